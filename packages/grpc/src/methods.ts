/** What each method asks of its callers. */
import { type Requirement, assertConfig } from '@watchword/core';

/** By full name, `/package.Service/Method`. What is not named asks for a good token and for no scope. */
export type MethodRules = Readonly<Record<string, Requirement | 'public'>>;

const NAME = /^\/[\w.]+\/\w+$/;
// RFC 6749 section 3.3: scope-token.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Checks the rules, so that a typing error never means "no scopes asked for". @throws WatchwordError `config_invalid` */
export function assertMethodRules(rules: MethodRules): ReadonlyMap<string, Requirement | 'public'> {
  assertConfig(typeof rules === 'object' && rules !== null, 'methods: must be an object');
  for (const [name, rule] of Object.entries(rules)) {
    assertConfig(NAME.test(name), `methods: ${JSON.stringify(name)} must be /package.Service/Method`);
    if (rule === 'public') continue;
    assertConfig(typeof rule === 'object' && rule !== null, `methods["${name}"]: must be "public" or an object`);
    const { scopes, ...unknown } = rule;
    assertConfig(Object.keys(unknown).length === 0, `methods["${name}"].${Object.keys(unknown)[0]}: unknown option`);
    const good = Array.isArray(scopes) && scopes.length > 0 && scopes.every((scope) => SCOPE.test(scope));
    assertConfig(scopes === undefined || good, `methods["${name}"].scopes: must be a list of scope-tokens of RFC 6749`);
  }
  return new Map(Object.entries(rules));
}
