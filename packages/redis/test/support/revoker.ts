/** A process that revokes through Redis: ids one after the other, and several at once. Says which are acknowledged. Runs on the built packages. */
import process from 'node:process';
import { createRevocations } from '@watchword/core';
import { createRedisRevocationLog } from '@watchword/redis';

const [server] = process.argv.slice(2) as [string];
process.send!({ ready: true });
process.on('message', (message: { readonly killAt?: number }) => {
  if (message.killAt !== undefined) void work();
});

async function work(): Promise<void> {
  const log = createRedisRevocationLog({ server, heartbeatMs: 50, timeoutMs: 10_000 });
  const revocations = createRevocations({ log });
  await revocations.ready();
  const revoke = async (jti: string): Promise<void> => {
    process.send!({ said: `trying ${jti}` });
    await revocations.revoke({ issuer: 'https://issuer.example', jti, expiresAtMs: 4_000_000_000_000 });
    process.send!({ said: jti });
  };
  await revoke('a');
  await Promise.all(['b', 'c', 'd'].map(revoke));
  await revoke('e');
  revocations.close();
  await log.close();
  process.send!({ said: 'done' });
}
