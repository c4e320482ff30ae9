/** A gateway in a process of its own, which says where it listens. Runs on the built packages. */
import process from 'node:process';
import { createConfig, startGateway } from '@watchword/gateway';

const [config] = process.argv.slice(2) as [string];
const gateway = await startGateway(createConfig(JSON.parse(config)));
process.send!({ ready: { port: gateway.port, controlPort: gateway.controlPort } });
