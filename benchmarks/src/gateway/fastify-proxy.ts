/** The rival: @fastify/http-proxy, with @fastify/jwt and its cache in front of one route, and without in front of another. */
import process from 'node:process';
import fastifyHttpProxy from '@fastify/http-proxy';
import fastifyJwt from '@fastify/jwt';
import fastify, { type FastifyRequest } from 'fastify';
import { serve } from '../process/worker.ts';

/** What it is started with. */
export interface FastifyProxySettings {
  readonly upstream: string;
  readonly algorithm: 'RS256' | 'ES256';
  readonly pem: string;
  readonly issuer: string;
  readonly audience: string;
  readonly cacheEntries: number;
}

serve({ listen, cpu: () => process.cpuUsage() });

async function listen({ upstream, algorithm, pem, issuer, audience, cacheEntries }: FastifyProxySettings): Promise<string> {
  const app = fastify({ keepAliveTimeout: 600_000 });
  await app.register(fastifyJwt, {
    secret: { public: pem, private: '' },
    verify: { algorithms: [algorithm], allowedIss: issuer, allowedAud: audience, cache: cacheEntries },
  });
  const verify = async (request: FastifyRequest): Promise<void> => {
    await request.jwtVerify();
  };
  await app.register(fastifyHttpProxy, { upstream, prefix: '/orders', rewritePrefix: '/orders', preHandler: verify });
  await app.register(fastifyHttpProxy, { upstream, prefix: '/public', rewritePrefix: '/public' });
  return app.listen({ host: '127.0.0.1', port: 0 });
}
