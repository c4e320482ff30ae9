import { describe, expect, it } from 'vitest';
import { readStatusReference } from '../../../src/revocation/status-list/status-claim.ts';
import type { Claims } from '../../../src/verify/verified-token.ts';

const uri = 'https://issuer.example/lists/1';
const read = (status: unknown): unknown => readStatusReference({ status } as unknown as Claims);

describe('SL-1: the status claim', () => {
  it.each([
    ['null', null],
    ['text', uri],
    ['a list', [{ status_list: { idx: 0, uri } }]],
    ['empty', {}],
    ['another mechanism only', { identifier_list: { id: 'x', uri } }],
    ['a status_list of null', { status_list: null }],
    ['a status_list that is a list', { status_list: [0, uri] }],
    ['no idx', { status_list: { uri } }],
    ['no uri', { status_list: { idx: 0 } }],
    ['an idx below 0', { status_list: { idx: -1, uri } }],
    ['an idx between two', { status_list: { idx: 0.5, uri } }],
    ['an idx beyond exact numbers', { status_list: { idx: 2 ** 53, uri } }],
    ['an idx as text', { status_list: { idx: '0', uri } }],
    ['an idx of null', { status_list: { idx: null, uri } }],
    ['an empty uri', { status_list: { idx: 0, uri: '' } }],
    ['a uri in a list', { status_list: { idx: 0, uri: [uri] } }],
    ['a uri of 1025 characters', { status_list: { idx: 0, uri: uri.padEnd(1025, 'x') } }],
  ])('SL-1: is refused: %s', (_name, status) => {
    expect(() => read(status)).toThrow(expect.objectContaining({ code: 'claim_invalid' }));
  });

  it('is read, or not there', () => {
    expect(read({ status_list: { idx: 7, uri }, identifier_list: {} })).toEqual({ idx: 7, uri });
    expect(read(undefined)).toBeUndefined();
  });
});
