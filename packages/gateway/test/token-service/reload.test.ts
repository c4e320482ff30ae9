/** The token service through reloads: which Txn-Tokens it takes is decided by the configuration in force, not by the first one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SigningKey, generateSigningKey, signJws } from '@watchword/core';
import { expect, test } from 'vitest';
import { createConfig } from '../../src/index.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';
import { DOMAIN, ORDERS, SECRET, TTS, TYPE, exchangeForm, startTestTokenService } from '../support/token-service.ts';

test('D7: a signing key that a reload replaced is not taken for ever, and the new one is taken at once', async () => {
  const directory = temporaryDirectory();
  const keyFiles = ['old', 'new'].map((name) => writeKey(directory, name));
  const settings = {
    control: { port: 0 },
    txnToken: { trustDomain: DOMAIN, keyFile: keyFiles[0]!.file, keyId: 'old', lifetimeSeconds: 60 },
  };
  let nowMs = Date.now();
  const secretFile = join(directory, 'secret');
  writeFileSync(secretFile, SECRET);
  const clients = [{ ...ORDERS, secretFile }];
  const tts = await startTestTokenService({ ...settings }, { clock: () => nowMs }, { clients });
  const old = (await tts.exchange()).body.access_token as string;
  const asked = async (token: string): Promise<unknown> => (await tts.post('/introspect', { token })).body.active;
  expect(await asked(old)).toBe(true);

  const next = { ...settings.txnToken, keyFile: keyFiles[1]!.file, keyId: 'new' };
  await tts.reload(
    createConfig({
      ...settings,
      issuers: [tts.issuer.entry],
      txnToken: next,
      tokenService: { listen: { port: 0 }, issuer: TTS, clients },
    }),
  );
  const fresh = (await tts.exchange()).body.access_token as string;
  expect(await asked(fresh)).toBe(true);
  // What was signed just before the reload is good until it ends.
  expect(await asked(old)).toBe(true);

  // The last token of the old key is gone. Whoever has the old key from then on can make nothing of it.
  nowMs += 120_000;
  const iat = Math.floor(nowMs / 1000);
  const claims = { iat, exp: iat + 60, aud: DOMAIN, txn: 't', sub: 'user-1', scope: 'read', req_wl: 'intruder' };
  const forged = signJws(Buffer.from(JSON.stringify(claims)), { typ: 'txntoken+jwt' }, keyFiles[0]!.key);
  expect(await asked(forged)).toBe(false);
  const replaced = await tts.post('/token', { ...exchangeForm(forged), subject_token_type: TYPE('txn_token') });
  expect(replaced.status).toBe(400);
});

test('D7: revocations that a reload brings count for Txn-Tokens that were seen before it', async () => {
  const directory = temporaryDirectory();
  const { file } = writeKey(directory, 'only');
  const secretFile = join(directory, 'secret');
  writeFileSync(secretFile, SECRET);
  const clients = [{ ...ORDERS, secretFile }];
  const sqlite = join(directory, 'revocations.db');
  const withLog = {
    control: { port: 0 },
    txnToken: { trustDomain: DOMAIN, keyFile: file },
    revocation: { log: { sqlite } },
  };
  const tts = await startTestTokenService(withLog, {}, { clients });
  const token = (await tts.exchange()).body.access_token as string;
  expect((await tts.post('/introspect', { token })).body.active).toBe(true);
  const revocation = { log: { sqlite: join(directory, 'others.db') } };
  const tokenService = { listen: { port: 0 }, issuer: TTS, clients };
  await tts.reload(createConfig({ ...withLog, revocation, issuers: [tts.issuer.entry], tokenService }));
  expect((await tts.post('/introspect', { token })).body.active).toBe(true);
  expect((await tts.post('/revoke', { token })).status).toBe(200);
  expect((await tts.post('/introspect', { token })).body).toEqual({ active: false });
});

function writeKey(directory: string, kid: string): { readonly file: string; readonly key: SigningKey } {
  const key = generateSigningKey('ES256', kid);
  const file = join(directory, `${kid}.pem`);
  writeFileSync(file, SigningKey.keyObjectOf(key).export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  return { file, key };
}
