/** Checks the shape of data from outside and collects everything that is wrong with it. Names of settings only, never values. */

/** One thing that is wrong, and where: `['token', 'bytes']`. */
export interface ShapeIssue {
  readonly path: readonly (string | number)[];
  readonly reason: string;
  /** Whether the name of the setting is meant, not what it is set to. */
  readonly atKey?: true;
}

/** A scenario or calibration that cannot be used. The message has one line per reason. */
export class ShapeError extends Error {
  readonly issues: readonly ShapeIssue[];

  constructor(what: string, issues: readonly ShapeIssue[]) {
    super(issues.map(({ path, reason }) => `${[what, ...path].join('.')}: ${reason}`).join('\n'));
    this.name = 'ShapeError';
    this.issues = issues;
  }
}

/** What a number may be. */
export interface NumberRule {
  readonly least?: number;
  readonly most?: number;
  /** Whether `least` itself is too little. */
  readonly above?: true;
  readonly whole?: true;
}

type Path = readonly (string | number)[];

/** Reads settings out of an object one by one. */
export class ShapeReader {
  readonly #issues: ShapeIssue[];
  readonly #path: Path;
  readonly #source: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();

  constructor(source: unknown, path: Path = [], issues: ShapeIssue[] = []) {
    this.#issues = issues;
    this.#path = path;
    this.#source = isRecord(source) ? source : {};
    if (!isRecord(source)) issues.push({ path, reason: 'must be a map of settings' });
  }

  get names(): readonly string[] {
    return Object.keys(this.#source);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#source, name) && this.#source[name] !== undefined;
  }

  /** Whether the setting is there and null: said to be nothing, not left out. */
  isNull(name: string): boolean {
    this.#known.add(name);
    return this.#source[name] === null;
  }

  /** A number; `fallback` undefined: required. */
  number(name: string, rule: NumberRule, fallback?: number): number {
    const value = this.#take(name, fallback);
    const reason = value === undefined ? undefined : reasonAgainst(value, rule);
    if (reason !== undefined) this.refuse([name], reason);
    return typeof value === 'number' ? value : Number.NaN;
  }

  text(name: string, fallback?: string): string {
    const value = this.#take(name, fallback);
    if (value !== undefined && (typeof value !== 'string' || value === '')) this.refuse([name], 'must be a text');
    return typeof value === 'string' ? value : '';
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#take(name, fallback);
    if (typeof value !== 'boolean') this.refuse([name], 'must be true or false');
    return value === true;
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback?: Choice): Choice {
    const value = this.#take(name, fallback);
    const found = choices.find((choice) => choice === value);
    if (value !== undefined && found === undefined) this.refuse([name], `must be one of ${choices.join(', ')}`);
    return found ?? choices[0]!;
  }

  /** A part with settings of its own; empty when it is left out and not required. */
  part(name: string, required = false): ShapeReader {
    const value = this.#take(name, required ? undefined : {});
    return new ShapeReader(value ?? {}, [...this.#path, name], this.#issues);
  }

  /** The elements of a list, each an object. */
  parts(name: string): ShapeReader[] {
    const value = this.#take(name);
    if (value !== undefined && (!Array.isArray(value) || value.length === 0))
      this.refuse([name], 'must be a list with at least one element');
    return (Array.isArray(value) ? value : []).map(
      (element, index) => new ShapeReader(element, [...this.#path, name, index], this.#issues),
    );
  }

  refuse(path: Path, reason: string, atKey?: true): void {
    this.#issues.push({ path: [...this.#path, ...path], reason, ...(atKey && { atKey }) });
  }

  /** Refuses settings that nobody has asked for. */
  end(): void {
    for (const name of this.names) if (!this.#known.has(name)) this.refuse([name], 'is not a setting', true);
  }

  /** @throws ShapeError when anything, in any part, is wrong */
  assertGood(what: string): void {
    if (this.#issues.length > 0) throw new ShapeError(what, this.#issues);
  }

  #take(name: string, fallback?: unknown): unknown {
    this.#known.add(name);
    const value = this.has(name) ? this.#source[name] : fallback;
    if (value === undefined) this.refuse([name], 'is required');
    return value;
  }
}

function reasonAgainst(
  value: unknown,
  { least = 0, most = Number.MAX_SAFE_INTEGER, above, whole }: NumberRule,
): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'must be a number';
  if (above && value <= least) return `must be above ${least}`;
  if (value < least) return `must be at least ${least}`;
  if (value > most) return `must be at most ${most}`;
  if (whole && !Number.isInteger(value)) return 'must be a whole number';
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
