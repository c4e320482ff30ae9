/** Strings that stand in thousands of tokens, kept once: a million remembered verdicts would hold a million copies. */

/** Gives an equal string, if possible one that others hold too. */
export type ShareString = (text: string) => string;

/** Claims whose values many tokens have in common; so have the members of any list, such as roles and groups. */
const COMMON_CLAIMS: ReadonlySet<string> = new Set(['iss', 'aud', 'azp', 'client_id', 'scope', 'acr', 'tctx', 'req_wl']);
/** V8 itself keeps what is this short once, when it reads JSON. */
const SHORT = 10;
const LONG = 512;
/** More different ones aren't common. Bounds also what users can fill with values they choose (D8). */
const MOST_STRINGS = 2048;

/** A bounded set of strings. Forgets all when full, which costs a few copies and nothing else. */
export function createSharedStrings(): ShareString {
  const strings = new Map<string, string>();
  return (text) => {
    const known = strings.get(text);
    if (known !== undefined) return known;
    if (strings.size >= MOST_STRINGS) strings.clear();
    strings.set(text, text);
    return text;
  };
}

/** Whether a string in this place is worth a look. */
export function isCommon(holder: object, name: string, text: string): boolean {
  return text.length > SHORT && text.length <= LONG && (Array.isArray(holder) || COMMON_CLAIMS.has(name));
}
