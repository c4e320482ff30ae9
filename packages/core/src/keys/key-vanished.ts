/** The alarm for a key that tokens were still signed with when its issuer stopped publishing it (C6). */
import { channel } from 'node:diagnostics_channel';

/** `diagnostics_channel` with one message for each key that vanishes while in use. */
export const KEY_VANISHED_CHANNEL = 'watchword:key-vanished';

/** A key that was looked up within the last `refreshMs`, and is not in the issuer's set any more. */
export interface KeyVanished {
  readonly issuer: string;
  readonly kid: string | undefined;
  readonly alg: string;
  /** The issuer publishes another key under the same key id and algorithm: such a key is never retained. */
  readonly replaced: boolean;
  /** End of its retention by the source's clock, in milliseconds since the Unix epoch; absent: not trusted from now on. */
  readonly retainedUntilMs?: number;
}

const alarms = channel(KEY_VANISHED_CHANNEL);

/** Raises the alarm. */
export function announceVanished(vanished: KeyVanished): void {
  if (alarms.hasSubscribers) alarms.publish(vanished);
}
