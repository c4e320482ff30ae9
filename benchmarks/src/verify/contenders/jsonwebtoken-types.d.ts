/** The part of jsonwebtoken that is measured; the package has no types. */
declare module 'jsonwebtoken' {
  import type { KeyObject } from 'node:crypto';

  const jsonwebtoken: {
    verify(
      token: string,
      key: KeyObject,
      options: { readonly algorithms: readonly string[]; readonly issuer: string; readonly audience: string },
    ): unknown;
  };
  export default jsonwebtoken;
}
