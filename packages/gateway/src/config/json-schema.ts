/** The configuration's schema as JSON Schema, for editors and for whoever generates configurations. */
import { toJsonSchema } from '@valibot/to-json-schema';
import { DESCRIPTIONS } from './descriptions.ts';
import { CONFIG_SCHEMA } from './schema.ts';

/** A JSON Schema of draft 7, which is what editors of YAML understand. */
export type JsonSchema = { [keyword: string]: unknown };

/**
 * Builds it. It says the form of each setting, its default and its meaning. Rules between settings and the finer rules of form
 * (`checkConfig`, a whole URL) cannot be said in it: what it refuses the parser refuses too, not the other way round.
 */
export function createConfigJsonSchema(): JsonSchema {
  const schema = toJsonSchema(CONFIG_SCHEMA, {
    target: 'draft-07',
    // The last schema of each pipe is the one that names the settings.
    typeMode: 'output',
    overrideAction: ({ valibotAction, jsonSchema }) => (valibotAction.type === 'check' ? jsonSchema : undefined),
  }) as JsonSchema;
  describe(schema, '');
  return { ...schema, title: 'Watchword gateway', anyOf: [HAS_ROUTES, { required: ['tokenService'] }] };
}

/** What a gateway needs that is no token service alone. */
const HAS_ROUTES: JsonSchema = {
  required: ['routes'],
  properties: { routes: { type: 'array', minItems: 1 } },
};

/** The text of `watchword.schema.json`, which the package ships; `vitest run -u packages/gateway/test/config/json-schema.test.ts` writes it. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(createConfigJsonSchema(), undefined, 2)}\n`;
}

// What a schema says of itself comes first.
function describe(schema: JsonSchema, path: string): void {
  const text = Object.hasOwn(DESCRIPTIONS, path) ? DESCRIPTIONS[path] : undefined;
  if (text !== undefined) schema.description ??= text;
  for (const [name, member] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)) {
    describe(member, path === '' ? name : `${path}.${name}`);
  }
  if (isSchema(schema.items)) describe(schema.items, `${path}[]`);
  if (isSchema(schema.additionalProperties)) describe(schema.additionalProperties, `${path}.*`);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
