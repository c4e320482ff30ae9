/** Numbers that tell objects apart inside a policy id. */

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** The number of an object: always the same for one, never that of another. What looks alike now may behave differently later. */
export function identityOf(object: object): number {
  let identity = identities.get(object);
  if (identity === undefined) identities.set(object, (identity = nextIdentity += 1));
  return identity;
}
