/** A suite that passes everything proves nothing: each mistake that an adapter can make must fail a check. */
import { SERVER_CHECKS, createServerWorld, serverConformance } from '@watchword/conformance';
import { Identity, WatchwordError, runAnonymous, runWithIdentity } from '@watchword/core';
import { describe, expect, it } from 'vitest';
import { DUTIES, type Duties, joinedHeaders, startWith } from './host.ts';

serverConformance('an adapter without mistakes', startWith({}));

let lastAdmitted: Identity | undefined;

const mistakes: { mistake: string; duties: Partial<Duties>; noticedBy: RegExp }[] = [
  {
    mistake: 'lets the handler run when admission fails in an unforeseen way',
    noticedBy: /fails in a way nobody foresaw/,
    duties: {
      admit: async (...request) => {
        try {
          return await DUTIES.admit(...request);
        } catch (thrown) {
          if (thrown instanceof WatchwordError) throw thrown;
          return undefined;
        }
      },
    },
  },
  {
    mistake: 'takes the first of several tokens',
    noticedBy: /joined in one field/,
    duties: { admit: (pipeline, req, route) => (route.public ? undefined : pipeline.admit(joinedHeaders(req), route)) },
  },
  {
    mistake: 'lets requests without a token through, as nobody',
    noticedBy: /missing token/,
    duties: {
      admit: (pipeline, req, route) => (req.headers['txn-token'] === undefined ? undefined : DUTIES.admit(pipeline, req, route)),
    },
  },
  {
    mistake: 'reads the token from Authorization too',
    noticedBy: /in the Authorization field/,
    duties: {
      admit: (pipeline, req, route) => {
        const bearer = req.headers.authorization?.slice('Bearer '.length);
        if (bearer) return pipeline.admit({ values: () => [bearer] });
        return DUTIES.admit(pipeline, req, route);
      },
    },
  },
  {
    mistake: 'forgets the scopes of the route',
    noticedBy: /without the scope of the route/,
    duties: {
      admit: (pipeline, req, { method, path, public: open = false, handler }) =>
        DUTIES.admit(pipeline, req, { method, path, public: open, handler }),
    },
  },
  {
    mistake: 'serves unknown paths without a token',
    noticedBy: /unknown path is 401/,
    duties: { admit: (pipeline, req, route) => (route.path === '' ? undefined : DUTIES.admit(pipeline, req, route)) },
  },
  {
    mistake: 'verifies the token on public routes',
    noticedBy: /serves public routes to anybody/,
    duties: { admit: (pipeline, req, route) => DUTIES.admit(pipeline, req, { ...route, public: false }) },
  },
  {
    mistake: 'establishes no context on public routes',
    noticedBy: /serves public routes to anybody/,
    duties: { enter: (identity, req, work) => (identity ? DUTIES.enter(identity, req, work) : work()) },
  },
  {
    mistake: 'establishes no context at all',
    noticedBy: /lets a good token in/,
    duties: { enter: (_identity, _req, work) => work() },
  },
  {
    mistake: 'does not bind the events of the request',
    noticedBy: /slow chunked body is read/,
    duties: { enter: (identity, _req, work) => (identity ? runWithIdentity(identity, work) : runAnonymous(work)) },
  },
  {
    mistake: 'keeps the identity in a variable of the module',
    noticedBy: /interleaved requests/,
    duties: {
      admit: async (...request) => (lastAdmitted = await DUTIES.admit(...request)),
      enter: async (_identity, req, work) => {
        await new Promise((resolve) => setImmediate(resolve));
        return DUTIES.enter(lastAdmitted, req, work);
      },
    },
  },
  {
    mistake: 'does not hand the token on',
    noticedBy: /carries the token to an allowed destination/,
    duties: { admit: async (...request) => withoutToken(await DUTIES.admit(...request)) },
  },
  {
    mistake: 'repeats the token in a refusal',
    noticedBy: /bad token: forged/,
    duties: {
      refuse: (res, thrown, req, route) =>
        DUTIES.refuse(res.setHeader('x-token', req.headers['txn-token'] ?? ''), thrown, req, route),
    },
  },
  {
    mistake: 'refuses everything with 401',
    noticedBy: /answers 503, not 401/,
    duties: { refuse: (res, _thrown, req, route) => DUTIES.refuse(res, new WatchwordError('signature_invalid'), req, route) },
  },
  {
    mistake: 'refuses without a challenge',
    noticedBy: /bare challenge/,
    duties: {
      refuse: (res, _thrown) => void res.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"status":401}'),
    },
  },
  {
    mistake: 'believes the status of a foreign error',
    noticedBy: /fails in a way nobody foresaw/,
    duties: {
      refuse: (res, thrown, req, route) => {
        const status = (thrown as { status?: number } | undefined)?.status;
        if (status === undefined) DUTIES.refuse(res, thrown, req, route);
        else res.writeHead(status).end('{}');
      },
    },
  },
];

describe('the suite notices an adapter that', () => {
  it.each(mistakes)('$mistake', async ({ duties, noticedBy }) => {
    const check = SERVER_CHECKS.find(({ name }) => noticedBy.test(name));
    expect(check, `no check is called ${noticedBy}`).toBeDefined();
    const world = await createServerWorld(startWith(duties));
    await expect(check!.run(world).finally(() => world.close())).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });
});

function withoutToken(identity: Identity | undefined): Identity | undefined {
  return identity && new Identity(identity.token);
}
