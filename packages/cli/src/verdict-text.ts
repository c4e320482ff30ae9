/** A verdict as text for people. */
import { printable } from './printable.ts';
import { type Accepted, type Refused, type Verdict, isUndecided } from './verdict.ts';

/** Several lines, the verdict in the first one. */
export function formatVerdict(verdict: Verdict): string {
  return verdict.accepted ? acceptedText(verdict) : refusedText(verdict);
}

function acceptedText(verdict: Accepted): string {
  const { txnToken } = verdict;
  return lines('accepted', [
    ['issuer', verdict.issuer],
    ['key', `${verdict.keyId ?? 'without id'} (${verdict.algorithm})`],
    ['type', verdict.type ?? 'none'],
    ['claims', verdict.claims.join(', ')],
    ['valid from', verdict.validFrom ?? 'any time'],
    ['valid until', verdict.validUntil ?? 'any time'],
    ['checked at', verdict.checkedAt],
    ...(txnToken === undefined
      ? []
      : ([
          ['Txn-Token', `${txnToken.bytes} bytes instead of ${verdict.tokenBytes}`],
          ['', JSON.stringify(txnToken.claims)],
        ] as const)),
  ]);
}

function refusedText(verdict: Refused): string {
  const said = Object.entries(verdict.unverified);
  return lines(`${isUndecided(verdict) ? 'no verdict' : 'refused'}: ${verdict.code}`, [
    ['rule', verdict.rule],
    ['reason', verdict.reason],
    ['stage', verdict.stage],
    ['status', `${verdict.status} at the gateway`],
    ['checked at', verdict.checkedAt],
    // As JSON: what a stranger wrote must not reach the terminal as control codes.
    ...said.map(([name, value]) => [`token says`, `${name} ${JSON.stringify(value)} (not verified)`] as const),
  ]);
}

function lines(title: string, rows: readonly (readonly [name: string, value: string])[]): string {
  return [title, ...rows.map(([name, value]) => `  ${name.padEnd(12)} ${printable(value)}`), ''].join('\n');
}
