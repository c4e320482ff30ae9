/** What header fields cost in a table, and the warnings about those that cost too much. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import {
  HEADER_BUDGET_CHANNEL,
  TXN_TOKEN_NOT_INDEXED_CHANNEL,
  checkHeaderBudget,
  checkTxnTokenEntry,
} from '../../src/carrier/header-table.ts';
import { minterOf } from '../support/txn.ts';
import { verifiedToken } from '../support/tokens.ts';

test('ND-3: the boundary is that of nghttp2, 3031 characters at 4096 octets', () => {
  const heard = listen(TXN_TOKEN_NOT_INDEXED_CHANNEL, () => {
    expect(checkTxnTokenEntry('http://orders', 3031, 4096)).toBe(true);
    expect(checkTxnTokenEntry('http://orders', 3032, 4096)).toBe(false);
  });
  expect(heard).toEqual([{ place: 'http://orders', entryBytes: 3073, tableBytes: 4096 }]);
});

test('HP-6: a list is near its budget from four fifths on', () => {
  const heard = listen(HEADER_BUDGET_CHANNEL, () => {
    expect(checkHeaderBudget('http://orders', 799, 1000)).toBe(true);
    expect(checkHeaderBudget('http://orders', 800, 1000)).toBe(false);
  });
  expect(heard).toEqual([{ place: 'http://orders', listBytes: 800, budgetBytes: 1000 }]);
});

test('a minter says when the claims that it maps make tokens too long to be indexed, and never shows one', async () => {
  const mint = async (length: number): Promise<void> => {
    const subject = await verifiedToken({ note: 'n'.repeat(length) });
    minterOf({ claims: { note: 'note' } }).mint({ subject });
  };
  const heard: unknown[] = [];
  const note = (message: unknown): void => void heard.push(message);
  subscribe(TXN_TOKEN_NOT_INDEXED_CHANNEL, note);
  await mint(1000);
  expect(heard).toEqual([]);
  await mint(2200);
  unsubscribe(TXN_TOKEN_NOT_INDEXED_CHANNEL, note);
  expect(heard).toEqual([{ place: 'minter', entryBytes: expect.any(Number), tableBytes: 4096 }]);
});

function listen(name: string, work: () => void): unknown[] {
  const heard: unknown[] = [];
  const note = (message: unknown): void => void heard.push(message);
  subscribe(name, note);
  work();
  unsubscribe(name, note);
  return heard;
}
