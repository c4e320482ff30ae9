/** What to do with a header field, decided once per spelling of its name and then remembered. */
import { foldHeaderName, isReserved } from './reserved.ts';

/** What becomes of a field on its way through the edge. */
export type Treatment =
  | 'pass'
  | 'hop'
  | 'connection'
  | 'host'
  | 'content-length'
  | 'transfer-encoding'
  | 'expect'
  | 'authorization'
  | 'dpop'
  | 'txn-token'
  | 'reserved';

/** A treatment and the lower-case name it was decided for. */
export interface HeaderClass {
  readonly name: string;
  readonly treatment: Treatment;
}

// RFC 9110 section 7.6.1 and the fields that it calls out as connection-specific; Proxy-Authenticate is for us, not for the client.
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
]);

const OWN_TREATMENT: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'content-length',
  'transfer-encoding',
  'expect',
  'authorization',
  'dpop',
  'txn-token',
]);

/** Names are chosen by strangers, so the memory of them is bounded; clients in practice use a few dozen. */
const REMEMBERED_NAMES = 1024;

const known = new Map<string, HeaderClass>();

/** Classifies a field name exactly as it was received. */
export function classifyHeader(rawName: string): HeaderClass {
  const remembered = known.get(rawName);
  if (remembered !== undefined) return remembered;
  const decided = decide(rawName);
  if (known.size < REMEMBERED_NAMES) known.set(rawName, decided);
  return decided;
}

function decide(rawName: string): HeaderClass {
  const name = rawName.toLowerCase();
  return { name, treatment: treatmentOf(name) };
}

function treatmentOf(name: string): Treatment {
  const folded = foldHeaderName(name);
  if (folded === 'txn-token') return 'txn-token';
  if (OWN_TREATMENT.has(name)) return name as Treatment;
  if (HOP_BY_HOP.has(name)) return 'hop';
  // `Content_Length` and the like: a backend that folds names would see a second, contradicting framing or host.
  if (OWN_TREATMENT.has(folded) || HOP_BY_HOP.has(folded) || isReserved(folded)) return 'reserved';
  return 'pass';
}
