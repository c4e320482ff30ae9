/** Correctness before speed: who the service takes the caller for, and who does not get there. */
import type { Stage } from './stage.ts';
import { SUBJECTS, SUBJECT_IDS, type SubjectId } from './subjects.ts';

interface Arrived {
  readonly authorization: string;
  readonly txnToken: string;
  readonly user: string;
}

/** Sends every caller through every proxy, and everybody who must be refused. Fills the caches. @throws Error for a wrong answer */
export async function checkProxies(stage: Stage): Promise<void> {
  for (const id of SUBJECT_IDS.filter((subject) => SUBJECTS[subject].verifies)) {
    for (const [index, token] of stage.tokens.entries()) {
      const { status, text } = await ask(stage, id, token);
      if (status !== 200 || subjectOf(id, JSON.parse(text) as Arrived) !== `user-${index}`)
        throw new Error(`${SUBJECTS[id].title}: the service did not learn who is calling (status ${status})`);
    }
    for (const { reason, token } of [...stage.refused, { reason: 'no token', token: undefined }]) {
      const { status } = await ask(stage, id, token);
      if (status !== 401)
        throw new Error(`${SUBJECTS[id].title}: answered ${status} to a request that it should refuse: ${reason}`);
    }
  }
}

async function ask(stage: Stage, id: SubjectId, token: string | undefined): Promise<{ status: number; text: string }> {
  const url = `http://127.0.0.1:${stage.proxies[id].port}/orders/who-am-i`;
  const response = await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  return { status: response.status, text: await response.text() };
}

// Behind Watchword, whoever asks it, there is a Txn-Token and nothing else; HAProxy sets a header; Fastify passes the token on.
function subjectOf(id: SubjectId, { authorization, txnToken, user }: Arrived): string | undefined {
  if (id === 'fastify') return claimedSubject(authorization.slice('Bearer '.length));
  if (authorization !== '') return undefined;
  return id === 'haproxy' ? user : claimedSubject(txnToken);
}

function claimedSubject(token: string): string | undefined {
  const payload = token.split('.')[1] ?? '';
  return payload === '' ? undefined : (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: string }).sub;
}
