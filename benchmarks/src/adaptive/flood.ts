/** The clients whose tokens are all new to the server. They give way to the others, whose times are taken on the same core. */
import { getPriority, setPriority } from 'node:os';

setPriority(Math.min(19, getPriority() + 5));
await import('../gateway/load.ts');
