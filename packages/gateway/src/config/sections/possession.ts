/** Tokens that are bound to their sender: which proofs are understood. Without this section such tokens are refused. */
import * as v from 'valibot';
import type { GatewayConfig } from '../config.ts';
import { between, section, text } from '../forms.ts';
import { redisUrl } from '../redis-server.ts';

/** Where used proofs are noted when several threads or machines accept them. Exactly one of the two stores is given. */
export interface SpentProofsConfig {
  /** File on a local file system, for the threads of one machine. */
  readonly sqlite?: string | undefined;
  /** URL of a Redis server, for several machines. Without a password. */
  readonly redis?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** First part of the key names in Redis. */
  readonly prefix?: string | undefined;
}

/** How DPoP proofs (RFC 9449) are judged. */
export interface DpopConfig {
  readonly maxAgeSeconds: number;
  readonly toleranceSeconds: number;
  /** Undefined: each proof is remembered by the one thread that there is. */
  readonly spent?: SpentProofsConfig | undefined;
}

/** The section `possession`. */
export interface PossessionConfig {
  readonly dpop?: DpopConfig | undefined;
  /** Tokens bound to the client certificate of their connection (RFC 8705). */
  readonly mutualTls: boolean;
  /** Scheme of the addresses that clients use. Default: that of `listen`; `https` behind something that ends TLS. */
  readonly scheme?: 'http' | 'https' | undefined;
}

const spent = section({
  sqlite: v.optional(text),
  redis: v.optional(redisUrl),
  passwordFile: v.optional(text),
  prefix: v.optional(text),
});

/** Form and defaults of the section. */
export const possession: v.GenericSchema<Partial<PossessionConfig>, PossessionConfig> = section({
  dpop: v.optional(
    section({
      maxAgeSeconds: v.optional(between(1, 300), 60),
      toleranceSeconds: v.optional(between(0, 60), 5),
      spent: v.optional(spent),
    }),
  ),
  mutualTls: v.optional(v.boolean(), false),
  scheme: v.optional(v.picklist(['http', 'https'], 'must be http or https')),
}) as v.GenericSchema<Partial<PossessionConfig>, PossessionConfig>;

/** Rules between these settings and others. */
export function* checkPossession(config: GatewayConfig): Generator<{ path: readonly string[]; reason: string }> {
  const { possession: settings, listen, threads } = config;
  if (settings === undefined) return;
  const { dpop, mutualTls } = settings;
  if (dpop === undefined && !mutualTls) yield { path: ['possession'], reason: 'needs dpop, mutualTls: true, or both' };
  if (mutualTls && (listen.tls === undefined || listen.tls.clientAuth === 'none')) {
    yield {
      path: ['possession', 'mutualTls'],
      reason: 'needs listen.tls with clientAuth request or require: no certificate comes otherwise',
    };
  }
  if (dpop === undefined) return;
  if (threads > 1 && dpop.spent === undefined) {
    yield { path: ['possession', 'dpop'], reason: `needs spent: each of ${threads} threads would accept a proof once` };
  }
  if (dpop.spent === undefined) return;
  const stores = (['sqlite', 'redis'] as const).filter((name) => dpop.spent![name] !== undefined);
  if (stores.length !== 1) yield { path: ['possession', 'dpop', 'spent'], reason: 'needs exactly one of sqlite and redis' };
  for (const name of ['passwordFile', 'prefix'] as const) {
    if (dpop.spent[name] !== undefined && dpop.spent.redis === undefined) {
      yield { path: ['possession', 'dpop', 'spent', name], reason: 'goes with redis only' };
    }
  }
}
