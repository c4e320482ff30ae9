/** From `listen.tls` to what Node wants. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type TLSSocket, type TlsOptions, createSecureContext } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { GatewayConfig } from '../config/config.ts';
import { baseDirectoryOf, configErrorAt } from '../config/locate.ts';
import type { TlsConfig } from '../config/sections/listen.ts';

/** Reads certificate and key; undefined: cleartext. @throws ConfigError naming the file's setting */
export function readTls(config: GatewayConfig): TlsOptions | undefined {
  const { tls } = config.listen;
  if (tls === undefined) return undefined;
  const options: TlsOptions = {
    cert: readPem(config, tls, 'certFile'),
    key: readPem(config, tls, 'keyFile'),
    minVersion: tls.minVersion,
    ...(tls.clientCaFile === undefined ? {} : { ca: readPem(config, tls, 'clientCaFile') }),
    requestCert: tls.clientAuth !== 'none',
    // A certificate of anybody's own making proves possession of a key (RFC 8705 section 2.2): it is the token that names whose.
    rejectUnauthorized: tls.clientAuth === 'require',
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    // What OpenSSL says is left out: it may quote the key.
    throw configErrorAt(config, ['listen', 'tls'], 'certFile and keyFile are not a certificate and its key', cause);
  }
  return options;
}

const CERTIFICATE: unique symbol = Symbol('client certificate');

interface MarkedSocket extends TLSSocket {
  [CERTIFICATE]?: Buffer | null;
}

/**
 * The certificate (DER) that the client of this connection has shown and proven to own; undefined: none. Where `clientCaFile` is
 * configured, only one that it vouches for.
 */
export function clientCertificateOf(socket: Duplex | undefined, needsAuthority: boolean): Buffer | undefined {
  if (socket === undefined || !('encrypted' in socket)) return undefined;
  const marked = socket as MarkedSocket;
  if (marked[CERTIFICATE] === undefined) {
    const usable = !needsAuthority || marked.authorized;
    marked[CERTIFICATE] = (usable ? marked.getPeerX509Certificate?.()?.raw : undefined) ?? null;
  }
  return marked[CERTIFICATE] ?? undefined;
}

function readPem(config: GatewayConfig, tls: TlsConfig, name: 'certFile' | 'keyFile' | 'clientCaFile'): string {
  try {
    return readFileSync(resolve(baseDirectoryOf(config), tls[name]!), 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw configErrorAt(config, ['listen', 'tls', name], `cannot be read (${code})`, cause);
  }
}
