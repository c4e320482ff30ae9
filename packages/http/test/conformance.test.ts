import { serverConformance } from '@watchword/conformance';
import { startHttp } from './host.ts';

serverConformance('@watchword/http', startHttp);
