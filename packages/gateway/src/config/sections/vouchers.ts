/** The section `tokenService.vouchers`: which workloads may leave work in which topics, and which may take it out (TT-34). */
import { MAX_VOUCHER_SECONDS } from '@watchword/core';
import * as v from 'valibot';
import type { Finding } from '../check.ts';
import { between, list, section, text } from '../forms.ts';
import type { TokenServiceConfig } from './token-service.ts';

/** One topic, queue or subject. */
export interface VoucherTopicConfig {
  /** Clients that may exchange a Txn-Token for a voucher. */
  readonly producers: readonly string[];
  /** Clients that may redeem it. */
  readonly consumers: readonly string[];
  /** Scopes that go through the topic. Default: whatever the Txn-Token has. */
  readonly scopes?: readonly string[] | undefined;
  /** Seconds until a voucher ends. Default: that of the section. */
  readonly maxAgeSeconds?: number | undefined;
}

/** The whole section. */
export interface VouchersConfig {
  readonly maxAgeSeconds: number;
  /** How often one voucher may be redeemed: a message that is delivered again needs that. */
  readonly maxRedemptions: number;
  readonly topics: Readonly<Record<string, VoucherTopicConfig>>;
}

/** One value of RFC 6749 section 3.3. */
const scope = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope value of RFC 6749 section 3.3'));
const maxAge = between(60, MAX_VOUCHER_SECONDS);

/** The form of the section. */
export const vouchers: v.GenericSchema<unknown, VouchersConfig> = section({
  maxAgeSeconds: v.optional(maxAge, 86_400),
  maxRedemptions: v.optional(between(1, 32), 8),
  topics: v.record(
    text,
    section({
      producers: list(text),
      consumers: list(text),
      scopes: v.optional(list(scope)),
      maxAgeSeconds: v.optional(maxAge),
    }),
  ),
});

/** What does not fit together. */
export function* checkVouchers({ vouchers: section, replay, clients }: TokenServiceConfig): Generator<Finding> {
  if (section === undefined) return;
  const at = ['tokenService', 'vouchers'];
  // What a restart forgets could be redeemed as often again.
  if (replay === undefined) yield { path: at, reason: 'needs tokenService.replay, which notes what was redeemed' };
  if (Object.keys(section.topics).length === 0) yield { path: [...at, 'topics'], reason: 'must not be empty' };
  for (const [name, topic] of Object.entries(section.topics)) {
    for (const side of ['producers', 'consumers'] as const) {
      for (const [index, id] of topic[side].entries()) {
        const isKnown = clients.some((client) => client.id === id);
        if (!isKnown) yield { path: [...at, 'topics', name, side, index], reason: 'is not one of tokenService.clients' };
      }
    }
  }
}

/** Longest life of a voucher, in seconds; 0: there are none. */
export function longestVoucherSeconds(service: TokenServiceConfig | undefined): number {
  const { vouchers: section } = service ?? {};
  if (section === undefined) return 0;
  return Math.max(...Object.values(section.topics).map(({ maxAgeSeconds }) => maxAgeSeconds ?? section.maxAgeSeconds));
}
