/**
 * Where requests of deferred routes are put aside: the cheap checks, durable storage, 202. And where clients ask what became of them.
 * Nothing is verified here, so nothing here is anybody's word (invariant 8).
 */
import { type Clock, type Screen, WatchwordError, assertWithin, extractBearer, readClock } from '@watchword/core';
import type { EntryFacts, EntryStatus, Queue, Receipts } from '@watchword/deferred';
import type { Decision } from '../decision/decision.ts';
import { Refusal } from '../decision/decision.ts';
import type { ClientCall } from '../front/client-call.ts';
import type { InspectedHeaders } from '../headers/request-headers.ts';
import { ID_FORM, createId, digest, digestOfClient } from './naming.ts';
import { decodeAnswer } from './stored-answer.ts';

/** What the door is made of. */
export interface DoorOptions {
  readonly queue: Queue;
  readonly receipts: Receipts;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly bodyBytes: number;
  readonly statusPath: string;
}

/** The door. */
export interface DeferredDoor {
  /**
   * Puts a request aside and answers it.
   * @throws WatchwordError (as a rejection): it was not stored; with `queue_unavailable` of a store on the network it may have been
   */
  accept(call: ClientCall, headers: InspectedHeaders, decision: Decision, client: string): Promise<void>;
  /** Whether this is the address of a status. */
  isStatus(target: string): boolean;
  /** Answers it. @throws WatchwordError (as a rejection) `route_unknown`, `method_not_allowed`, `queue_unavailable` */
  answerStatus(call: ClientCall): Promise<void>;
}

const MAX_IDEMPOTENCY_KEY = 256;

/** Builds the door. */
export function createDoor(options: DoorOptions): DeferredDoor {
  const prefix = `${options.statusPath}/`;
  return {
    accept: (call, headers, decision, client) => accept(call, headers, decision, client, options),
    isStatus: (target) => target.startsWith(prefix),
    answerStatus: (call) => answerStatus(call, call.target.slice(prefix.length), options),
  };
}

/*
 * Why the token is part of the fingerprint, so that whoever has lost his 202 and renewed his token gets 422 under the same key: in its
 * place could stand issuer and subject, but here they are nobody's word. Who guesses a key (and sits behind the same address) could
 * forge a token with that subject that gets past the door. Coming second he would be told the id of the other request, and with it its
 * outcome and answer. Coming first he would have the other request taken for a repetition of his own: answered 202, and never carried
 * out. To verify the signature of each request with a key would cost what deferring saves. With the token, whoever is answered
 * with an id has shown the very token of the first request. All that a forger can do is to occupy a key: a 422, which says so, loses
 * nothing, and is over with another key.
 */
async function accept(
  call: ClientCall,
  headers: InspectedHeaders,
  { route, canonicalPath }: Decision,
  clientName: string,
  { queue, receipts, screen, clock, bodyBytes, statusPath }: DoorOptions,
): Promise<void> {
  // Before the body is read, and before anything is remembered of whoever sent it.
  const token = extractBearer(headers);
  const screened = screen(token);
  const { issuer, subject, window } = screened instanceof Promise ? await screened : screened;
  const idempotencyKey = readIdempotencyKey(headers);
  const body = await readBody(call, headers, bodyBytes);
  const { method, target } = call;
  const client = digestOfClient(clientName);
  const name = `${route.host ?? ''}${route.path}`;
  const acceptedAtMs = readClock(clock);
  // The body may have taken long: what has expired by now would be refused after its 202.
  assertWithin(window, acceptedAtMs);
  const id = createId(acceptedAtMs);
  const facts: EntryFacts = {
    id,
    acceptedAtMs,
    runBeforeMs: acceptedAtMs + route.deferredForMs!,
    route: name,
    issuer,
    client,
    // Whom the token says it is about keeps callers behind one address apart.
    idempotencyKey: idempotencyKey === undefined ? undefined : digest('key', name, client, issuer, subject ?? '', idempotencyKey),
    // Asked for by the key alone: without one no other request is taken for this one.
    fingerprint:
      idempotencyKey === undefined ? id : digest('request', method, headers.host, target, body.toString('base64'), token),
  };
  const fields = pairs(headers.forwarded);
  fields.push([HOST, headers.host], [PATH, canonicalPath], [FROM, clientName]);
  const entry = receipts.close(facts, { method, target, headers: fields, body, token, isProven: false });
  const acceptance = await queue.accept(entry);
  if (acceptance.kind === 'conflict') throw new WatchwordError('idempotency_conflict');
  if (acceptance.kind === 'full') return refuseFull(call, acceptance.retryAfterMs);
  const address = `${statusPath}/${acceptance.id}`;
  answer(call, 202, { id: acceptance.id, status: address }, ['location', address]);
}

/** What is known of a request besides its fields, kept with them: no field name has a colon. */
export const HOST = ':host';
export const PATH = ':path';
export const FROM = ':from';

// draft-ietf-httpapi-idempotency-key-header: one value, and here never the key itself in a store.
function readIdempotencyKey(headers: InspectedHeaders): string | undefined {
  const values = headers.values('idempotency-key');
  if (values.length === 0) return undefined;
  const [value] = values as [string];
  if (values.length > 1 || value === '' || value.length > MAX_IDEMPOTENCY_KEY) {
    throw new WatchwordError(
      'request_malformed',
      `Idempotency-Key: must be one value of at most ${MAX_IDEMPOTENCY_KEY} characters`,
    );
  }
  return value;
}

async function readBody(call: ClientCall, headers: InspectedHeaders, limitBytes: number): Promise<Buffer> {
  const body = call.openBody(headers, limitBytes);
  if (body === null) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let index = 0; index < flat.length; index += 2) found.push([flat[index]!, flat[index + 1]!]);
  return found;
}

function refuseFull(call: ClientCall, retryAfterMs: number): void {
  const { facts } = new WatchwordError('queue_full');
  const body = JSON.stringify({ type: 'urn:watchword:problem:queue-full', title: facts.title, status: facts.http });
  const seconds = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  respond(call, facts.http, body, ['content-type', 'application/problem+json', 'retry-after', seconds]);
}

// Whoever knows the id may ask: it is unguessable, and told to the one who sent the request.
async function answerStatus(call: ClientCall, rest: string, { queue, receipts }: DoorOptions): Promise<void> {
  if (call.method !== 'GET' && call.method !== 'HEAD') {
    throw new Refusal('method_not_allowed', 'A status can be read, and nothing else', { allow: 'GET, HEAD' });
  }
  const [id = '', part, ...more] = rest.split('/');
  const isKnownForm = ID_FORM.test(id) && more.length === 0 && (part === undefined || part === 'answer');
  const status = isKnownForm ? await queue.status(id) : undefined;
  if (status === undefined) throw new WatchwordError('route_unknown', 'No request has this id');
  if (part === undefined) return answer(call, 200, describe(status, call.target));
  if (status.state !== 'done' || status.result === undefined) throw new WatchwordError('route_unknown', 'There is no answer');
  const { contentType, body } = decodeAnswer(receipts.openResult(id, status.result));
  const type = contentType === '' ? [] : ['content-type', contentType];
  respond(call, status.status, body.toString('latin1'), [...type, 'x-content-type-options', 'nosniff'], body.length);
}

function describe(status: EntryStatus, address: string): object {
  const { id, state, acceptedAtMs, attempts } = status;
  const common = {
    id,
    state: state === 'claimed' ? 'running' : state,
    acceptedAt: new Date(acceptedAtMs).toISOString(),
    attempts,
  };
  if (!('endedAtMs' in status)) return common;
  const endedAt = new Date(status.endedAtMs).toISOString();
  if (status.state !== 'done') return { ...common, endedAt, reason: status.reason };
  const answerAt = status.result === undefined ? {} : { answer: `${address}/answer` };
  return { ...common, endedAt, upstreamStatus: status.status, ...answerAt };
}

function answer(call: ClientCall, status: number, content: object, fields: string[] = []): void {
  respond(call, status, JSON.stringify(content), ['content-type', 'application/json', ...fields]);
}

// D11: what became of a request is nobody else's business.
function respond(call: ClientCall, status: number, body: string, fields: string[], bytes = Buffer.byteLength(body)): void {
  if (call.gone) return;
  call.start(status, [...fields, 'content-length', String(bytes), 'cache-control', 'no-store']);
  call.end(call.method === 'HEAD' ? undefined : Buffer.from(body, bytes === body.length ? 'latin1' : 'utf8'));
}
