/** Batches as messages between threads: what is cloned costs by the object and by the name, so that entries travel as flat lists. */
import type { Acceptance, NewEntry } from '../queue.ts';
import type { Batch, Question } from './operations.ts';

/** A batch that can be posted. */
export interface PackedBatch {
  readonly nowMs: number;
  /** In the place of each `accept` stands nothing. */
  readonly questions: readonly (Question | undefined)[];
  /** The fields of the entries to accept, one entry after the other. */
  readonly fields: readonly Field[];
  /** What many of them have in common, named by its place in this list. */
  readonly texts: readonly string[];
  /** Their payloads, one after the other: theirs alone, so that nothing else of this thread's memory travels with them. */
  readonly payloads: Uint8Array<ArrayBuffer>;
}

type Field = string | number | undefined;
type Fields = [string, number, number, number, number, number, string | undefined, string | undefined, number];

const FIELDS = 9;
const LEAST_BYTES = 65_536;
/** Larger ones are let go, so that one large batch does not hold memory for ever. */
const MOST_KEPT_BYTES = 2 ** 20;

/**
 * Packs a batch. The buffer of the payloads is to be transferred with it.
 * @param spare a buffer that came back, to be used again: a new one for each batch would have its pages cleared and collected each time
 */
export function pack({ nowMs, questions }: Batch, spare?: ArrayBuffer): PackedBatch {
  const entries = questions.flatMap((question) => (question.name === 'accept' ? [question.ask] : []));
  const payloads = joinPayloads(entries, spare);
  const fields: Field[] = [];
  const texts = new Map<string, number>();
  const placeOf = (text: string): number => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, texts.size);
    return known ?? texts.size - 1;
  };
  for (const { id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint, payload } of entries) {
    fields.push(id, acceptedAtMs, runBeforeMs, placeOf(route), placeOf(issuer), placeOf(client));
    fields.push(idempotencyKey, fingerprint === id ? undefined : fingerprint, payload.length);
  }
  const others = questions.map((question) => (question.name === 'accept' ? undefined : question));
  return { nowMs, questions: others, fields, texts: [...texts.keys()], payloads };
}

function joinPayloads(entries: readonly NewEntry[], spare: ArrayBuffer | undefined): Uint8Array<ArrayBuffer> {
  const bytes = entries.reduce((sum, { payload }) => sum + payload.length, 0);
  const isEnough = spare !== undefined && spare.byteLength >= bytes;
  const payloads = new Uint8Array(isEnough ? spare : new ArrayBuffer(Math.ceil(Math.max(1, bytes) / LEAST_BYTES) * LEAST_BYTES));
  let at = 0;
  for (const { payload } of entries) {
    payloads.set(payload, at);
    at += payload.length;
  }
  return payloads;
}

/** The buffer of a batch that is done, if it is worth keeping. */
export function spareOf({ payloads }: PackedBatch): ArrayBuffer | undefined {
  return payloads.byteLength <= MOST_KEPT_BYTES ? payloads.buffer : undefined;
}

/** The batch that was packed. */
export function unpack({ nowMs, questions, fields, texts, payloads }: PackedBatch): Batch {
  let first = 0;
  let at = 0;
  const entry = (): NewEntry => {
    const [id, acceptedAtMs, runBeforeMs, route, issuer, client, idempotencyKey, fingerprint = id, length] = fields.slice(
      first,
      first + FIELDS,
    ) as Fields;
    const payload = payloads.subarray(at, at + length);
    first += FIELDS;
    at += length;
    const common = { route: texts[route]!, issuer: texts[issuer]!, client: texts[client]! };
    return { id, acceptedAtMs, runBeforeMs, ...common, idempotencyKey, fingerprint, payload };
  };
  return { nowMs, questions: questions.map((question) => question ?? { name: 'accept', ask: entry() }) };
}

/** Answers, with nothing in the place of each entry that was accepted: who has asked knows its id. */
export function packAnswers(answers: readonly unknown[]): readonly unknown[] {
  return answers.map((answer) => ((answer as Partial<Acceptance> | undefined)?.kind === 'accepted' ? undefined : answer));
}

/** The answer to a question, as it was before it was packed. */
export function unpackAnswer(answer: unknown, { name, ask }: Question): unknown {
  return name === 'accept' ? (answer ?? ({ kind: 'accepted', id: ask.id } satisfies Acceptance)) : answer;
}
