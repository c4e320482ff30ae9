import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startEdge } from '../support/edge.ts';
import { DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, block, frame } from '../support/http2.ts';
import { H2_CASES, RAW_CASES } from '../support/smuggling.ts';
import { startStrictEcho } from '../support/strict-echo.ts';

const QUIET_MS = 250;

/** Sends bytes and reads until nothing more comes. */
function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let timer: NodeJS.Timeout;
    const stop = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(received));
    };
    timer = setTimeout(stop, 2 * QUIET_MS);
    socket.on('data', (chunk) => {
      received.push(chunk);
      clearTimeout(timer);
      timer = setTimeout(stop, QUIET_MS);
    });
    socket.on('error', () => {}).on('close', stop);
  });
}

function echoes(text: string, target: string): number {
  return text.split(`echo ${target}\n`).length - 1;
}

async function inTens<Item>(items: readonly Item[], work: (item: Item, index: number) => Promise<void>): Promise<void> {
  const queue = [...items.entries()];
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next[1], next[0]);
    }),
  );
}

describe('S23: requests in are requests out', () => {
  test(`S23, F1: ${RAW_CASES.length} raw requests over HTTP/1.1, 0 desynchronised`, { timeout: 60_000 }, async () => {
    expect(RAW_CASES.length).toBeGreaterThan(136);
    const echo = await startStrictEcho();
    const edge = await startEdge(echo.url);
    const wrong: string[] = [];
    let forwarded = 0;
    await inTens(RAW_CASES, async ([name, bytes], index) => {
      const [meant, smuggled] = [`/public/p${index}`, `/public/s${index}`];
      const text = bytes.replaceAll('@P', meant).replaceAll('@S', smuggled);
      const answer = (await exchange(edge.port, Buffer.from(text, 'latin1'))).toString('latin1');
      for (const target of [meant, smuggled]) {
        const out = echo.whole.filter((one) => one === target).length;
        forwarded += out;
        // One may go unanswered where what came behind it broke the connection.
        const answered = echoes(answer, target);
        if (out > 1 || answered > out) wrong.push(`${name}: ${out} out, ${answered} answered`);
      }
      // Whoever is in doubt about the first says nothing about the second.
      if (answer.startsWith('HTTP/1.1 400') && echo.whole.includes(smuggled)) wrong.push(`${name}: went on after 400`);
    });
    expect(wrong).toEqual([]);
    expect(echo.violations).toEqual([]);
    // Some are good, or nothing was tested.
    expect(forwarded).toBeGreaterThan(10);
    expect(echo.whole.every((target) => /^\/public\/[ps][0-9]+$/.test(target))).toBe(true);
  });

  test(`S23, F1: ${H2_CASES.length} requests over HTTP/2, downgraded, 0 desynchronised`, { timeout: 60_000 }, async () => {
    const echo = await startStrictEcho();
    const edge = await startEdge(echo.url);
    const wrong: string[] = [];
    await inTens(H2_CASES, async ([name, fields, body], index) => {
      const [meant, smuggled] = [`/public/p${index}`, `/public/s${index}`];
      const named = fields.map((text) => text.replaceAll('@P', meant).replaceAll('@S', smuggled));
      const data = Buffer.from(body.replaceAll('@S', smuggled), 'latin1');
      const frames = [
        PREFACE,
        frame(SETTINGS, 0, 0),
        frame(HEADERS, END_HEADERS | (data.length === 0 ? END_STREAM : 0), 1, block(...named)),
        ...(data.length === 0 ? [] : [frame(DATA, END_STREAM, 1, data)]),
      ];
      const answer = (await exchange(edge.port, Buffer.concat(frames))).toString('latin1');
      const out = echo.whole.filter((one) => one === meant).length;
      if (out > 1 || echoes(answer, meant) > out) wrong.push(`${name}: ${out} out, ${echoes(answer, meant)} answered`);
      if (echo.whole.includes(smuggled)) wrong.push(`${name}: smuggled`);
    });
    expect(wrong).toEqual([]);
    expect(echo.violations).toEqual([]);
    expect(echo.whole).toContain(`/public/p${H2_CASES.length - 1}`);
  });
});
