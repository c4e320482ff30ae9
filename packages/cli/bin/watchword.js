#!/usr/bin/env node
// Older versions fail somewhere inside, with a stack and an exit code that means something else.
if (Number(process.versions.node.split('.')[0]) < 22) {
  console.error(`watchword needs Node 22 or newer; this is ${process.version}`);
  process.exit(2);
}
await import('../dist/main.js');
