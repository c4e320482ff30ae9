import type { OutgoingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startEdge } from '../support/edge.ts';
import { startUpstream } from '../support/upstream.ts';

/** What upstream says; what an authenticated caller gets to see of `Cache-Control` and `Vary`. */
const ANSWERS: [name: string, upstream: OutgoingHttpHeaders, cacheControl: string, vary: string][] = [
  ['nothing', {}, 'no-store', 'authorization'],
  ['an empty field', { 'cache-control': ' , ' }, 'no-store', 'authorization'],
  ['an age for any cache', { 'cache-control': 'public, max-age=600' }, 'public, max-age=600', 'authorization'],
  ['an age for shared caches', { 'cache-control': 's-maxage=600' }, 's-maxage=600', 'authorization'],
  ['private', { 'cache-control': 'private' }, 'private', 'authorization'],
  ['no-store', { 'cache-control': 'no-store' }, 'no-store', 'authorization'],
  ['something to vary by', { 'cache-control': 'public', vary: 'accept' }, 'public', 'accept, authorization'],
  ['only Expires', { expires: 'Fri, 01 Jan 2100 00:00:00 GMT' }, 'no-store', 'authorization'],
  ['only a field for CDNs', { 'cdn-cache-control': 'max-age=600' }, 'no-store', 'authorization'],
];

describe('D11: answers to authenticated callers are not for others', () => {
  test('D11: what upstream leaves open is not stored, and what is stored is for the same credentials only', async () => {
    let fields: OutgoingHttpHeaders = {};
    const upstream = await startUpstream((_request, response) => void response.writeHead(200, fields).end('ok'));
    const edge = await startEdge(upstream.url);
    for (const [name, said, cacheControl, vary] of ANSWERS) {
      fields = said;
      const { headers } = await fetch(`${edge.url}/api/x`, { headers: edge.bearer() });
      expect([headers.get('cache-control'), headers.get('vary')], name).toEqual([cacheControl, vary]);
    }
  });

  test('D11: public routes are left as upstream wants them', async () => {
    const upstream = await startUpstream((_request, response) => void response.end('ok'));
    const edge = await startEdge(upstream.url);
    const { headers } = await fetch(`${edge.url}/public/x`, { headers: edge.bearer() });
    expect([headers.get('cache-control'), headers.get('vary')]).toEqual([null, null]);
  });

  test('D11: no refusal is stored, whatever it is for', async () => {
    const edge = await startEdge('http://127.0.0.1:1');
    const cases: [path: string, headers: Record<string, string>, status: number][] = [
      ['/api/x', {}, 401],
      ['/api/x', { authorization: 'Bearer junk' }, 401],
      ['/admin/x', edge.bearer(), 403],
      ['/nowhere', edge.bearer(), 404],
      ['/api/x', edge.bearer(), 502],
    ];
    for (const [path, headers, status] of cases) {
      const response = await fetch(`${edge.url}${path}`, { headers });
      expect([response.status, response.headers.get('cache-control')], path).toEqual([status, 'no-store']);
    }
  });
});
