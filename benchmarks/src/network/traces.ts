/** What a field does that is different in each request, a trace id: it pushes the tokens out of a table that is not made for it. */
import { randomBytes } from 'node:crypto';
import { CONTENDERS, type Fields } from './contenders.ts';
import { measureCell } from './measure.ts';
import type { CallerTokens } from './tokens.ts';

/** The same requests with a trace id each, kept out of the table or not. */
export interface Traces {
  readonly callers: number;
  readonly withoutTrace: number;
  readonly keptOut: number;
  readonly indexed: number;
}

/** Measures the three of them over node:http2 with sized tables. */
export async function measureTraces(callers: number, requests: number, tokens: CallerTokens): Promise<Traces> {
  const contender = CONTENDERS.find(({ name, tables }) => name === 'HTTP/2, node:http2' && tables === 'sized')!;
  const own = tokens['txn-token'].slice(0, callers);
  const octets = async (more?: () => Fields): Promise<number> => {
    const { perRequest } = await measureCell({ contender, tokens: own, callers, requests, ...(more && { more }) });
    return perRequest;
  };
  const trace = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  return {
    callers,
    withoutTrace: await octets(),
    keptOut: await octets(() => ({ traceparent: trace() })),
    // A name that the client does not know to be different each time, and as long.
    indexed: await octets(() => ({ 'x-tracing00': trace() })),
  };
}
