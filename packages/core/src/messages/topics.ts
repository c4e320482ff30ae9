/** Names of topics, queues and subjects, as lists and rules give them: exact, or with the wildcards of NATS. */
import { assertConfig } from '../errors.ts';

/** What is said of topics, found by their name. */
export interface TopicTable<Rule> {
  /** The rule for a topic and the name that it stands under; undefined: nothing was said. */
  find(topic: string): { readonly name: string; readonly rule: Rule } | undefined;
}

/**
 * Builds a table. An exact name goes before a pattern, in which `*` stands for one part between dots and `>`, at the end, for one
 * or more.
 * @throws WatchwordError `config_invalid` naming the place
 */
export function createTopicTable<Rule>(rules: Iterable<readonly [string, Rule]>, place: string): TopicTable<Rule> {
  const exact = new Map<string, { readonly name: string; readonly rule: Rule }>();
  const patterns: { readonly name: string; readonly rule: Rule; readonly parts: readonly string[] }[] = [];
  for (const [name, rule] of rules) {
    assertConfig(typeof name === 'string' && name !== '', `${place}: a topic must have a name`);
    const parts = name.split('.');
    const isPattern = parts.some((part) => part === '*' || part === '>');
    const isGood = !parts.slice(0, -1).includes('>') && name !== '>' && name !== '*';
    assertConfig(
      !isPattern || isGood,
      `${place}: ${JSON.stringify(name)} must name more than everything, with ">" at its end only`,
    );
    if (isPattern) patterns.push({ name, rule, parts });
    exact.set(name, { name, rule });
  }
  return {
    find(topic) {
      const known = exact.get(topic);
      if (known !== undefined || patterns.length === 0) return known;
      const parts = topic.split('.');
      return patterns.find((pattern) => matches(pattern.parts, parts));
    },
  };
}

function matches(pattern: readonly string[], parts: readonly string[]): boolean {
  if (parts.includes('')) return false;
  const hasTail = pattern.at(-1) === '>';
  if (hasTail ? parts.length < pattern.length : parts.length !== pattern.length) return false;
  const fixed = hasTail ? pattern.slice(0, -1) : pattern;
  return fixed.every((part, index) => part === '*' || part === parts[index]);
}
