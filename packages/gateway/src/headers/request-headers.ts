/** The header fields that go upstream: one pass over what the client sent, ours added last. */
import { type HeaderSource, WatchwordError } from '@watchword/core';
import { classifyHeader } from './classify.ts';

/** What one pass over the raw fields found. */
export interface InspectedHeaders extends HeaderSource {
  /** Name, value, name, value, ...: only what may go upstream, in the order and spelling received. */
  readonly forwarded: string[];
  /** The one Host field, as received. */
  readonly host: string;
  /** Whether the message has a body (RFC 9112 section 6.3): a length above zero, or a transfer coding. */
  readonly hasBody: boolean;
  /** Declared length in bytes; undefined: none, or chunked. */
  readonly contentLength: number | undefined;
  /** How many Txn-Token fields, under any spelling, were removed. */
  readonly removedTxnTokens: number;
  /** Values of a field whatever becomes of it; only for those of a peer that is trusted. */
  received(name: string): readonly string[];
}

const NONE: readonly string[] = [];

/**
 * Splits raw fields (`IncomingMessage.rawHeaders`) into what is forwarded and what is for the edge itself. What goes upstream is
 * byte for byte what was decided on (E14).
 * @param bodyFollows what the framing of the protocol says; undefined: the fields say it, as in HTTP/1.1
 * @throws WatchwordError `request_malformed`, `token_ambiguous`
 */
export function inspectHeaders(rawHeaders: readonly string[], bodyFollows?: boolean): InspectedHeaders {
  return new RequestHeaders(rawHeaders, bodyFollows);
}

class RequestHeaders implements InspectedHeaders {
  readonly forwarded: string[] = [];
  host = '';
  hasBody = false;
  contentLength: number | undefined = undefined;
  removedTxnTokens = 0;
  #authorization: string | undefined = undefined;
  #proofs: string[] | undefined = undefined;
  readonly #raw: readonly string[];

  constructor(rawHeaders: readonly string[], bodyFollows: boolean | undefined) {
    this.#raw = rawHeaders;
    const hosts = this.#collect(rawHeaders);
    if (bodyFollows !== undefined) this.#frame(bodyFollows);
    if (hosts !== 1) throw new WatchwordError('request_malformed', `${hosts} Host fields in one request`);
    // Even spelt in two ways it is one header said twice (E3, E4).
    if (this.removedTxnTokens > 1) {
      throw new WatchwordError('token_ambiguous', `${this.removedTxnTokens} Txn-Token fields in one request`);
    }
  }

  /** The decision stages see nothing that a client could forge: of the credentials only `authorization` and `dpop`, which are checked. */
  values(name: string): readonly string[] {
    if (name === 'authorization') return this.#authorization === undefined ? NONE : [this.#authorization];
    if (name === 'dpop') return this.#proofs ?? NONE;
    const found: string[] = [];
    for (let index = 0; index < this.forwarded.length; index += 2) {
      if (this.forwarded[index]!.toLowerCase() === name) found.push(this.forwarded[index + 1]!);
    }
    return found;
  }

  #collect(rawHeaders: readonly string[]): number {
    let hosts = 0;
    let nominated: Set<string> | undefined;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const rawName = rawHeaders[index]!;
      const value = rawHeaders[index + 1]!;
      switch (classifyHeader(rawName).treatment) {
        case 'pass':
          this.forwarded.push(rawName, value);
          break;
        case 'host':
          hosts += 1;
          this.host = value;
          break;
        case 'connection':
          nominated = nominate(value, nominated);
          break;
        case 'content-length':
          this.#length(value);
          this.forwarded.push(rawName, value);
          break;
        case 'transfer-encoding':
          this.#coding(value);
          break;
        case 'authorization':
          this.#authorize(value);
          break;
        // Belongs to the token, and ends with it at the edge.
        case 'dpop':
          (this.#proofs ??= []).push(value);
          break;
        case 'txn-token':
          this.removedTxnTokens += 1;
          break;
        default:
      }
    }
    if (nominated !== undefined) removeNominated(this.forwarded, nominated);
    return hosts;
  }

  // RFC 9113 section 8.1.1: a length that the frames do not keep makes the message malformed.
  #frame(bodyFollows: boolean): void {
    if (this.hasBody && !bodyFollows) throw new WatchwordError('request_malformed', 'Content-Length without a body');
    this.hasBody = bodyFollows;
  }

  // RFC 9110 section 8.6: digits only. The parser has checked it; a number is what the limits need.
  #length(value: string): void {
    if (this.contentLength !== undefined) throw new WatchwordError('request_malformed', 'Several Content-Length fields');
    this.contentLength = Number(value);
    this.hasBody = this.hasBody || this.contentLength > 0;
  }

  // Only chunked is undone by the parser; forwarding another coding without its name would change the message (RFC 9112 section 6.1).
  #coding(value: string): void {
    if (value.trim().toLowerCase() !== 'chunked')
      throw new WatchwordError('request_malformed', 'Transfer-Encoding is not chunked');
    this.hasBody = true;
  }

  #authorize(value: string): void {
    if (this.#authorization !== undefined) {
      throw new WatchwordError('token_ambiguous', 'Several Authorization fields in one request');
    }
    this.#authorization = value;
  }

  received(name: string): readonly string[] {
    const found: string[] = [];
    for (let index = 0; index < this.#raw.length; index += 2) {
      if (this.#raw[index]!.toLowerCase() === name) found.push(this.#raw[index + 1]!);
    }
    return found;
  }

  /** Keeps the credential out of inspectors and serializers (invariant 5). */
  toJSON(): object {
    return { fields: this.#raw.length / 2 };
  }
}

// `keep-alive` and `close` are connection options, not field names; almost every request has just one of them.
function nominate(value: string, nominated: Set<string> | undefined): Set<string> | undefined {
  const whole = value.toLowerCase();
  if (whole === 'keep-alive' || whole === 'close') return nominated;
  const names = nominated ?? new Set<string>();
  for (const option of whole.split(',')) {
    const name = option.trim();
    // RFC 9110 section 7.6.1: end-to-end framing is never a connection option; a request that says so lies about its body.
    if (name === 'content-length' || name === 'host' || name === 'transfer-encoding') {
      throw new WatchwordError('request_malformed', `Connection names ${name}`);
    }
    names.add(name);
  }
  return names;
}

// Runs before the fields of the edge are added, so that none of ours can be named (E1).
function removeNominated(fields: string[], nominated: ReadonlySet<string>): void {
  let kept = 0;
  for (let index = 0; index < fields.length; index += 2) {
    if (nominated.has(fields[index]!.toLowerCase())) continue;
    fields[kept] = fields[index]!;
    fields[kept + 1] = fields[index + 1]!;
    kept += 2;
  }
  fields.length = kept;
}
