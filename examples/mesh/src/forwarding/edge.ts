/** The edge without Watchword: a plain reverse proxy that passes everything on, the external token included. */
import { announce, originOf } from '../process/worker.ts';
import { type IncomingMessage, createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Pool } from 'undici';
import { setting } from '../services/settings.ts';

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'host']);
const upstream = new Pool(setting('ORDERS_URL'), { connections: 128 });

const server = createServer(async (req, res) => {
  try {
    const headers = Object.fromEntries(Object.entries(req.headers).filter(([name]) => !HOP_BY_HOP.has(name)));
    const answer = await upstream.request({ path: req.url ?? '/', method: req.method ?? 'GET', headers, body: bodyOf(req) });
    for (const name of HOP_BY_HOP) delete answer.headers[name];
    res.writeHead(answer.statusCode, answer.headers);
    await pipeline(answer.body, res);
  } catch {
    if (!res.headersSent) res.writeHead(502);
    res.end();
  }
});
server.listen(0, '127.0.0.1', () => announce({ origin: originOf(server.address()) }));

function bodyOf(req: IncomingMessage): IncomingMessage | null {
  return req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined ? null : req;
}
