/** What a transport knows of whoever sent a request, beyond its headers. */

/** The sender, as far as proofs of possession are about it. */
export interface Sender {
  /** Method of the request, in the case it was sent with. */
  readonly method: string;
  /** The URI that the client asked for, with scheme and host; query and fragment are ignored. Undefined: nobody knows. */
  readonly uri: string | undefined;
  /** The certificate that the client has proven to hold in the TLS handshake, in DER; undefined: none. */
  readonly clientCertificate: Uint8Array | undefined;
}

/** The scheme of the Authorization field. */
export type TokenScheme = 'bearer' | 'dpop';
