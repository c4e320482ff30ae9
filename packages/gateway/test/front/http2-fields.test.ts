import { describe, expect, test } from 'vitest';
import { readHttp2Fields } from '../../src/front/http2-fields.ts';

const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'api.example', ':path', '/x'];

describe('F1: what an HTTP/2 request may not say', () => {
  const cases: [string, string[]][] = [
    ['connection', [...GET, 'connection', 'close']],
    ['keep-alive', [...GET, 'keep-alive', 'timeout=5']],
    ['proxy-connection', [...GET, 'proxy-connection', 'close']],
    ['transfer-encoding (H2.TE)', [...GET, 'transfer-encoding', 'chunked']],
    ['upgrade', [...GET, 'upgrade', 'websocket']],
    ['http2-settings', [...GET, 'http2-settings', 'AAA']],
    ['te that is more than trailers', [...GET, 'te', 'trailers, chunked']],
    ['a name in capitals', [...GET, 'X-A', '1']],
    ['a name with a space', [...GET, 'x a', '1']],
    ['a name with a colon', [...GET, 'x:a', '1']],
    ['a name with a line end', [...GET, 'x\r\ntransfer-encoding', 'chunked']],
    ['an empty name', [...GET, '', '1']],
    ['a value with CR LF', [...GET, 'x-a', 'b\r\ntransfer-encoding: chunked']],
    ['a value with LF', [...GET, 'x-a', 'b\nc']],
    ['a value with NUL', [...GET, 'x-a', 'b\0c']],
    ['a value with a space before it', [...GET, 'x-a', ' b']],
    ['a value with a tab after it', [...GET, 'x-a', 'b\t']],
    ['CR LF in the path', [...GET.slice(0, 7), '/x HTTP/1.1\r\nHost: a']],
    ['CR LF in the authority', [...GET.slice(0, 5), 'a\r\nx: y', ...GET.slice(6)]],
    ['CR LF in the method', [':method', 'GET / HTTP/1.1\r\nHost: a', ...GET.slice(2)]],
    ['a space in the method', [':method', 'GET /y', ...GET.slice(2)]],
    ['no method', GET.slice(2)],
    ['no path', GET.slice(0, 6)],
    ['an empty path', [...GET.slice(0, 7), '']],
    ['no scheme', [...GET.slice(0, 2), ...GET.slice(4)]],
    ['another scheme', [':method', 'GET', ':scheme', 'file', ...GET.slice(4)]],
    ['two paths', [...GET, ':path', '/y']],
    ['two methods', [':method', 'POST', ...GET]],
    ['an unknown pseudo-header field', [':protocol', 'websocket', ...GET]],
    ['one of an answer', [':status', '200', ...GET]],
    ['a pseudo-header field after others', [...GET.slice(0, 6), 'x-a', '1', ...GET.slice(6)]],
    ['a pseudo-header field after a cookie', [...GET.slice(0, 6), 'cookie', 'a=1', ...GET.slice(6)]],
    ['Host that is not the authority', [...GET, 'host', 'other.example']],
    ['two Hosts', [...GET, 'host', 'api.example', 'host', 'api.example']],
  ];
  for (const [name, raw] of cases) {
    test(`F1: ${name}`, () => {
      expect(() => readHttp2Fields(raw)).toThrow(expect.objectContaining({ code: 'request_malformed' }));
    });
  }
});

test('what is left is what HTTP/1.1 would have said', () => {
  const raw = [...GET, 'cookie', 'a=1', 'x-b', '2', 'te', 'trailers', 'cookie', 'c=3', 'expect', '100-Continue'];
  expect(readHttp2Fields(raw)).toEqual({
    fields: ['host', 'api.example', 'x-b', '2', 'expect', '100-Continue', 'cookie', 'a=1; c=3'],
    takesTrailers: true,
    waitsToContinue: true,
  });
  expect(readHttp2Fields([...GET.slice(0, 4), ...GET.slice(6), 'host', 'b.example']).fields).toEqual(['host', 'b.example']);
});
