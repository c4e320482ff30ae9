/** Form bodies, strictly: what two readers could read differently is refused. */
import { isUtf8 } from 'node:buffer';
import { OAuthError, assertOAuth } from './oauth-error.ts';

/** The parameters of a request. Empty ones are left out (RFC 6749 section 3.2). */
export class Form {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** All values of a parameter that may be repeated. */
  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of a parameter; undefined: it isn't there. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }
}

/** RFC 8693 section 2.1: these may be repeated. */
const REPEATABLE: ReadonlySet<string> = new Set(['audience', 'resource']);
const MAX_PARAMETERS = 64;

/**
 * Reads `application/x-www-form-urlencoded`. A parameter that stands twice is refused (TE-10), also when one of the two is empty.
 * @throws OAuthError `invalid_request`
 */
export function parseForm(body: string): Form {
  const values = new Map<string, string[]>();
  const names = new Set<string>();
  const pairs = body === '' ? [] : body.split('&');
  assertOAuth(pairs.length <= MAX_PARAMETERS, 'invalid_request', 'Too many parameters');
  for (const pair of pairs) {
    const [rawName = '', rawValue = '', ...rest] = pair.split('=');
    assertOAuth(rest.length === 0, 'invalid_request', 'The body is not form-encoded');
    const name = decode(rawName);
    assertOAuth(!names.has(name) || REPEATABLE.has(name), 'invalid_request', 'A parameter is repeated');
    names.add(name);
    const value = decode(rawValue);
    if (value !== '') values.set(name, [...(values.get(name) ?? []), value]);
  }
  return new Form(values);
}

function decode(text: string): string {
  let value: string;
  try {
    // Fails for a wrong percent-encoding and for what is not UTF-8.
    value = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new OAuthError('invalid_request', 'The body is not form-encoded');
  }
  assertOAuth(!hasControls(value), 'invalid_request', 'A parameter has a control character');
  return value;
}

function hasControls(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(value);
}

/** The text of a body. @throws OAuthError `invalid_request` */
export function textOf(bytes: Uint8Array): string {
  assertOAuth(isUtf8(bytes), 'invalid_request', 'The body is not UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
