/** Certificates of clients (RFC 8705 section 2.1): chained to the configured authority, and with the configured name. */
import type { TLSSocket } from 'node:tls';

/** The name that a certificate must have: one of the two. */
export interface CertificateName {
  readonly sanUri?: string | undefined;
  readonly sanDns?: string | undefined;
}

/** Whether the peer of this connection has shown a good certificate with this name. */
export function hasCertificate(socket: TLSSocket, { sanUri, sanDns }: CertificateName): boolean {
  // Chain and dates were checked by the handshake, against `tls.clientCaFile` only.
  if (!socket.authorized) return false;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return false;
  if (sanDns !== undefined) return certificate.checkHost(sanDns, { subject: 'never', wildcards: false }) === sanDns;
  // Node writes values with a comma or a quotation mark in quotes, so that none can pass for two.
  return sanUri !== undefined && (certificate.subjectAltName ?? '').split(', ').includes(`URI:${sanUri}`);
}
