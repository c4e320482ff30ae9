/** The forms that settings have, for the schema of the file and for that of each section. */
import * as v from 'valibot';
import type { ListenConfig } from './config.ts';

/** Text that says something. */
export const text: v.GenericSchema<string, string> = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(2048, 'is longer than 2048 characters'),
);

/** A whole number inside these bounds, both included. */
export const between = (least: number, most: number): v.GenericSchema<number, number> =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );

/** A list that has something in it, and nothing twice. */
export const list = <Item>(item: v.GenericSchema<Item, Item>): v.GenericSchema<Item[], Item[]> =>
  v.pipe(
    v.array(item),
    v.minLength(1, 'must not be empty'),
    v.check(isDistinct<Item>, 'names something twice'),
    v.metadata({ uniqueItems: true }),
  );

/** A map of these settings and no others. An array is an object too, and an empty one would pass for a section of defaults. */
export const section = <const Entries extends v.ObjectEntries>(entries: Entries): SectionSchema<Entries> =>
  v.pipe(
    v.custom<object>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'must be a map of settings',
    ),
    v.strictObject(entries),
  );

/** What {@link section} makes. */
export type SectionSchema<Entries extends v.ObjectEntries> = v.SchemaWithPipe<
  readonly [v.CustomSchema<object, v.ErrorMessage<v.CustomIssue> | undefined>, v.StrictObjectSchema<Entries, undefined>]
>;

/** A port; 0: any free one. */
export const port: v.GenericSchema<number, number> = between(0, 65_535);
/** A time that is neither nothing nor longer than a day. */
export const milliseconds: v.GenericSchema<number, number> = between(1, 86_400_000);

/** An address to listen on. */
export const listen = (defaultPort: number): v.GenericSchema<Partial<ListenConfig>, ListenConfig> =>
  section({ host: v.optional(text, '127.0.0.1'), port: v.optional(port, defaultPort) });

function isDistinct<Item>(items: Item[]): boolean {
  return new Set(items).size === items.length;
}
