/** Subject tokens that are asked about one by one, in one turn, and verified together. */
import type { VerifiedToken } from '@watchword/core';
import type { SharedKind, Subjects } from './subjects.ts';

interface Asked extends PromiseWithResolvers<VerifiedToken> {
  readonly token: string;
}

/** Makes one batch for each kind of what is asked before the next microtask: so each item of a batch goes its whole way alone. */
export function gatherSubjects(subjects: Subjects): Subjects {
  const gathered = new Map<SharedKind, Asked[]>();
  const verifyGathered = async (kind: SharedKind): Promise<void> => {
    const asked = gathered.get(kind)!;
    gathered.delete(kind);
    const tokens = asked.map(({ token }) => token);
    const outcomes = await subjects.verifyMany(kind, tokens);
    for (const [index, { resolve, reject }] of asked.entries()) {
      const outcome = outcomes[index]!;
      if (outcome.status === 'fulfilled') resolve(outcome.value);
      else reject(outcome.reason);
    }
  };
  return {
    ...subjects,
    verify(kind, token, selfSigned) {
      // Each client has keys of its own for these.
      if (kind === 'self-signed') return subjects.verify(kind, token, selfSigned);
      const asked: Asked = { token, ...Promise.withResolvers<VerifiedToken>() };
      const others = gathered.get(kind);
      if (others !== undefined) others.push(asked);
      else {
        gathered.set(kind, [asked]);
        queueMicrotask(() => void verifyGathered(kind));
      }
      return asked.promise;
    },
  };
}
