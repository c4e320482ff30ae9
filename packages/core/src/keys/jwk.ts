/** A JSON Web Key as it comes (RFC 7517 section 4): an object whose members nobody has checked. */
export interface Jwk {
  readonly [member: string]: unknown;
}
