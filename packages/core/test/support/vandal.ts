/** Tries to change everything that can be reached from a value, as a careless or hostile caller would (D6). */

/** Runs every attempt; whether it throws or is ignored is no matter, only what the next caller sees. */
export function vandalize(value: unknown, seen: Set<unknown> = new Set()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const name of Reflect.ownKeys(value)) vandalize(Reflect.get(value, name), seen);
  for (const attempt of ATTEMPTS) {
    try {
      attempt(value as Record<string, unknown>);
    } catch {
      // Refused: good.
    }
  }
}

const ATTEMPTS: readonly ((target: Record<string, unknown>) => unknown)[] = [
  (target) => Object.assign(target, { scope: 'admin', sub: 'intruder', exp: 9e9, expiresAtMs: Infinity, notBeforeMs: -Infinity }),
  (target) => (target.expiresAtMs = Infinity),
  (target) => (target.notBeforeMs = -Infinity),
  (target) => (target.scope = 'admin'),
  (target) => (target.sub = 'intruder'),
  (target) => Object.defineProperty(target, 'scope', { value: 'admin' }),
  (target) => Object.defineProperty(target, 'sub', { get: () => 'intruder' }),
  (target) => Object.setPrototypeOf(target, { scope: 'admin', isWithin: () => true }),
  (target) => Reflect.ownKeys(target).map((name) => Reflect.deleteProperty(target, name)),
  (target) => Array.isArray(target) && target.push('admin'),
  (target) => Array.isArray(target) && target.fill('admin'),
  (target) => Array.isArray(target) && (target.length = 0),
  (target) => target instanceof Set && target.add('admin'),
  (target) => target instanceof Map && target.set('scope', 'admin'),
];
