import { WatchwordError, headerEntryBytes, isIndexable } from '@watchword/core';
import { type Traffic, tableSettingsFor } from '@watchword/http2';
import { describe, expect, it } from 'vitest';

describe('refuses', () => {
  it.each([
    [{ callers: 0 }, 'traffic.callers'],
    [{ callers: 1.5 }, 'traffic.callers'],
    [{ callers: Number.NaN }, 'traffic.callers'],
    [{ callers: 1, tokenBytes: -1 }, 'traffic.tokenBytes'],
    [{ callers: 1, maxTableBytes: 1000 }, 'traffic.maxTableBytes'],
    [{ callers: 1, tokens: 3 }, 'traffic.tokens: unknown option'],
    [{ callers: 1, tokenBytes: 4000, maxTableBytes: 4096 }, 'needs 5389 to be indexed'],
    [null, 'traffic: must be an object'],
  ])('%j', (traffic, message) => {
    expect(() => tableSettingsFor(traffic as Traffic)).toThrow(WatchwordError);
    expect(() => tableSettingsFor(traffic as Traffic)).toThrow(message);
  });
});

it('never makes a table smaller than the initial one, which peers get wrong (HP-6)', () => {
  expect(tableSettingsFor({ callers: 1, tokenBytes: 1 }).tableBytes).toBeGreaterThanOrEqual(4096);
});

it('indexes a token that the initial table would refuse (ND-3)', () => {
  expect(isIndexable(headerEntryBytes('txn-token', 3031), 4096)).toBe(true);
  expect(isIndexable(headerEntryBytes('txn-token', 3032), 4096)).toBe(false);
  for (const tokenBytes of [3032, 4096, 16_000]) {
    const { tableBytes } = tableSettingsFor({ callers: 1, tokenBytes });
    expect(isIndexable(headerEntryBytes('txn-token', tokenBytes), tableBytes)).toBe(true);
  }
});

it('holds every caller, and sets both sides (HP-1, ND-5)', () => {
  const { tableBytes, callers, server, client, reason } = tableSettingsFor({ callers: 1000, tokenBytes: 450 });
  expect(callers).toBe(1000);
  expect(tableBytes).toBeGreaterThan(1000 * (450 + 9 + 32) + 4096);
  expect(server.settings.headerTableSize).toBe(tableBytes);
  expect(client.maxDeflateDynamicTableSize).toBe(tableBytes);
  expect(server.maxSessionMemory).toBeGreaterThan(10);
  expect(reason).toContain('1000 entries of 491 octets');
});

it('says how many callers fit where the limit is in the way', () => {
  const { tableBytes, callers, reason } = tableSettingsFor({ callers: 1000, tokenBytes: 450, maxTableBytes: 65_536 });
  expect(tableBytes).toBe(65_536);
  expect(callers).toBe(100);
  expect(reason).toContain('100 callers fit');
});
