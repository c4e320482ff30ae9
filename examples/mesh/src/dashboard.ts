/** The dashboard, looking at the gateway of the mesh. */
import { startDashboard } from '@watchword/dashboard';
import { announce } from './process/worker.ts';
import { setting } from './services/settings.ts';

const dashboard = await startDashboard({ gateways: [{ name: 'mesh gateway', origin: setting('CONTROL_ORIGIN') }], port: 0 });
announce({ origin: dashboard.url });
