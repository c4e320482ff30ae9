import { serverConformance } from '@watchword/conformance';
import { startFastify } from './host.ts';

serverConformance('@watchword/fastify', startFastify);
