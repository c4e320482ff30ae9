/** Loaded before a gateway: says every second on standard error how many frames of HTTP/2 its connections have taken in. */
import { PerformanceObserver } from 'node:perf_hooks';
import process from 'node:process';

let frames = 0;
const observer = new PerformanceObserver((list) => {
  for (const { name, detail } of list.getEntries() as { name: string; detail?: { framesReceived?: number } }[])
    if (name === 'Http2Session') frames += detail?.framesReceived ?? 0;
});
observer.observe({ entryTypes: ['http2'] });
setInterval(() => process.stderr.write(`frames taken in: ${frames}\n`), 1000).unref();
