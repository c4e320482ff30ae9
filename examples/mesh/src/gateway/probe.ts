/** Loaded before the `watchword` command: ends it with the mesh, and measures its decisions from outside. */
import { announce } from '../process/worker.ts';
import { subscribe } from 'node:diagnostics_channel';
import process from 'node:process';
import { meter } from '../measure/meter.ts';

// Published around route, authenticate, authorize and exchange: verifying the external token and signing the Txn-Token.
subscribe('watchword:decision:start', () => meter.begin());
subscribe('watchword:decision:end', () => meter.end());

announce({});
// The channel to the mesh must not keep a gateway alive that has shut down.
process.channel?.unref();
