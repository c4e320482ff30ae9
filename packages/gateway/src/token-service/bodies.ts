/** Reads request bodies: each bounded, and all together. Whoever is slow makes place for whoever is not (F10). */
import type { IncomingMessage } from 'node:http';
import { OAuthError } from './oauth-error.ts';

interface Reading {
  bytes: number;
  isCut: boolean;
  readonly cut: () => void;
}

/** The bodies of one listener that are on their way. Nobody has said yet who sends them. */
export class Bodies {
  readonly #mostBytes: number;
  // The first is the one that takes the longest.
  readonly #underWay = new Set<Reading>();
  #bytes = 0;

  /** @param mostBytes of bodies that are not complete yet; beyond, the one that began first is cut off */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @throws OAuthError `invalid_request`, `temporarily_unavailable` (as a rejection) */
  async read(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
    assertFits(Number(request.headers['content-length'] ?? 0), maxBytes);
    const reading: Reading = { bytes: 0, isCut: false, cut: () => request.destroy() };
    this.#underWay.add(reading);
    const chunks: Buffer[] = [];
    try {
      // Left early it would close the connection, and nobody would hear why.
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        assertFits(reading.bytes + chunk.length, maxBytes);
        this.#count(reading, chunk.length);
        chunks.push(chunk);
      }
    } catch (thrown) {
      if (reading.isCut) throw new OAuthError('temporarily_unavailable', 'Too many requests at a time', { cause: thrown });
      throw thrown instanceof OAuthError ? thrown : new OAuthError('invalid_request', 'The request was cut off');
    } finally {
      this.#underWay.delete(reading);
      this.#bytes -= reading.bytes;
    }
    return Buffer.concat(chunks);
  }

  #count(reading: Reading, bytes: number): void {
    reading.bytes += bytes;
    this.#bytes += bytes;
    if (this.#bytes <= this.#mostBytes) return;
    const [oldest] = this.#underWay;
    if (oldest === undefined || oldest.isCut) return;
    oldest.isCut = true;
    oldest.cut();
  }
}

function assertFits(length: number, maxBytes: number): void {
  if (length > maxBytes) throw new OAuthError('invalid_request', `The body is longer than ${maxBytes} bytes`, { status: 413 });
}
