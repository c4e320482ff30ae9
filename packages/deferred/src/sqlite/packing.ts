/** Batches as messages between threads: what is cloned costs by the object and by the name, so that entries travel as flat lists. */
import type { NewEntry } from '../queue.ts';
import type { Batch, Question } from './operations.ts';

/** A batch that can be posted. */
export interface PackedBatch {
  readonly nowMs: number;
  /** In the place of each `accept` stands nothing. */
  readonly questions: readonly (Question | undefined)[];
  /** The fields of the entries to accept, one entry after the other. */
  readonly fields: readonly Field[];
  /** Their payloads, one after the other: theirs alone, so that nothing else of this thread's memory travels with them. */
  readonly payloads: Uint8Array<ArrayBuffer>;
}

type Field = string | number | undefined;

const FIELDS = 9;

const LEAST_BYTES = 65_536;
/** Larger ones are let go, so that one large batch does not hold memory for ever. */
const MOST_KEPT_BYTES = 2 ** 20;

/**
 * Packs a batch. The buffer of the payloads is to be transferred with it.
 * @param spare a buffer that came back, to be used again: a new one for each batch would have its pages cleared and collected each time
 */
export function pack({ nowMs, questions }: Batch, spare?: ArrayBuffer): PackedBatch {
  const fields: Field[] = [];
  let bytes = 0;
  for (const question of questions) if (question.name === 'accept') bytes += question.ask.payload.length;
  const isEnough = spare !== undefined && spare.byteLength >= bytes;
  const payloads = new Uint8Array(isEnough ? spare : new ArrayBuffer(Math.ceil(Math.max(1, bytes) / LEAST_BYTES) * LEAST_BYTES));
  let at = 0;
  const others = questions.map((question) => {
    if (question.name !== 'accept') return question;
    const { id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint, payload } = question.ask;
    fields.push(id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint, payload.length);
    payloads.set(payload, at);
    at += payload.length;
    return undefined;
  });
  return { nowMs, questions: others, fields, payloads };
}

/** The buffer of a batch that is done, if it is worth keeping. */
export function spareOf({ payloads }: PackedBatch): ArrayBuffer | undefined {
  return payloads.byteLength <= MOST_KEPT_BYTES ? payloads.buffer : undefined;
}

/** The batch that was packed. */
export function unpack({ nowMs, questions, fields, payloads }: PackedBatch): Batch {
  let first = 0;
  let at = 0;
  const entry = (): NewEntry => {
    const [id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint, length] = fields.slice(
      first,
      first + FIELDS,
    ) as [string, number, number, string, string, string, string | undefined, string, number];
    const payload = payloads.subarray(at, at + length);
    first += FIELDS;
    at += length;
    return { id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint, payload };
  };
  return { nowMs, questions: questions.map((question) => question ?? { name: 'accept', ask: entry() }) };
}
