/** Correctness before speed: who the upstream takes the caller for, and who does not get there. */
import type { Stage } from './stage.ts';
import { SUBJECTS, SUBJECT_IDS, type SubjectId } from './subjects.ts';
import { type Arrived, WHO_AM_I } from './upstream-contract.ts';

/** Sends every caller through every proxy, and everybody who must be refused. Fills the caches. @throws Error for a wrong answer */
export async function checkProxies(stage: Stage): Promise<void> {
  for (const id of SUBJECT_IDS) {
    if (SUBJECTS[id].path.startsWith('/public/')) await checkPublic(stage, id);
    else await checkProtected(stage, id);
  }
}

async function checkProtected(stage: Stage, id: SubjectId): Promise<void> {
  for (const [index, token] of stage.tokens.entries()) {
    const { status, arrived } = await call(stage, id, token);
    const subject = status === 200 ? arrivedSubject(id, arrived!) : undefined;
    if (subject !== `user-${index}`)
      throw new Error(`${SUBJECTS[id].title}: the upstream did not learn who is calling (status ${status})`);
  }
  for (const { reason, token } of [...stage.refused, { reason: 'no token', token: undefined }]) {
    const { status } = await call(stage, id, token);
    if (status !== 401)
      throw new Error(`${SUBJECTS[id].title}: answered ${status} to a request that it should refuse: ${reason}`);
  }
}

// Where nothing is verified nobody is somebody.
async function checkPublic(stage: Stage, id: SubjectId): Promise<void> {
  const { status, arrived } = await call(stage, id, stage.tokens[0]);
  if (status !== 200 || arrived?.txnToken !== undefined) throw new Error(`${SUBJECTS[id].title}: answered ${status}`);
}

async function call(
  stage: Stage,
  id: SubjectId,
  token: string | undefined,
): Promise<{ status: number; arrived: Arrived | undefined }> {
  const { proxy, path } = SUBJECTS[id];
  const url = new URL(`${path.slice(0, path.lastIndexOf('/'))}/${WHO_AM_I}`, `http://127.0.0.1:${stage.proxies[proxy].port}`);
  const response = await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  const body = (await response.json()) as Arrived;
  return { status: response.status, arrived: response.ok ? body : undefined };
}

// Watchword's upstream gets a Txn-Token and nothing else; the rival's gets the token that the client sent.
function arrivedSubject(id: SubjectId, { authorization, txnToken }: Arrived): string | undefined {
  if (SUBJECTS[id].proxy === 'watchword') return authorization === undefined ? subjectOf(txnToken) : undefined;
  return subjectOf(authorization?.slice('Bearer '.length));
}

function subjectOf(token: string | undefined): string | undefined {
  const payload = token?.split('.')[1];
  if (payload === undefined) return undefined;
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: string }).sub;
}
