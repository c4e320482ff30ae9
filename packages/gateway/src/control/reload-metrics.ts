/** The metrics of the configuration in force. */
import type { ReloadStats } from '../reload/reload-stats.ts';
import { type Add, labelled, plain } from './scraped-metric.ts';

/** Adds them. */
export function addReloads(stats: ReloadStats, add: Add): void {
  add('counter', 'config_reloads_total', 'Attempts to replace the configuration', () => [
    labelled({ result: 'applied' }, stats.applied),
    labelled({ result: 'refused' }, stats.refused),
  ]);
  add('gauge', 'config_info', 'The configuration in force, by its hash', () => [labelled({ hash: stats.hash }, 1)]);
  add('gauge', 'config_applied_timestamp_seconds', 'When it came into force', () => [plain(stats.appliedAtMs / 1000)]);
}
