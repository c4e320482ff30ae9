/** The dashboard, looking at the gateway and the services of the mesh. */
import { type GatewayTarget, startDashboard } from '@watchword/dashboard';
import { announce } from './process/worker.ts';
import { setting } from './services/settings.ts';

const dashboard = await startDashboard({ gateways: JSON.parse(setting('TARGETS')) as GatewayTarget[], port: 0 });
announce({ origin: dashboard.url });
