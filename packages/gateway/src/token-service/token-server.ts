/** The listener of the token service: HTTP on this machine, TLS beyond it, with client certificates where clients use them. */
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type RequestListener, type Server, type ServerOptions, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { resolve } from 'node:path';
import type { GatewayConfig } from '../config/config.ts';
import { baseDirectoryOf, configErrorAt } from '../config/locate.ts';

/** Creates the server. It does not listen yet. @throws ConfigError for files that cannot be used */
export function createTokenServer(config: GatewayConfig, listener: RequestListener): Server {
  const { tls, limits } = config.tokenService!;
  const bounds: ServerOptions = {
    maxHeaderSize: 16_384,
    headersTimeout: limits.requestTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: 1000,
    requireHostHeader: true,
    insecureHTTPParser: false,
  };
  if (tls === undefined) return createServer(bounds, listener);
  const cert = readFile(config, tls.certFile, 'certFile');
  const key = readFile(config, tls.keyFile, 'keyFile');
  const ca = tls.clientCaFile === undefined ? undefined : readFile(config, tls.clientCaFile, 'clientCaFile');
  try {
    return createTlsServer(
      {
        ...bounds,
        cert,
        key,
        minVersion: 'TLSv1.2',
        // Whether a certificate is needed depends on the client that a request names.
        ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: false }),
        // A resumed session does not show its certificate again.
        secureOptions: constants.SSL_OP_NO_TICKET,
      },
      listener,
    );
  } catch (cause) {
    throw configErrorAt(config, ['tokenService', 'tls'], 'the certificate and the key cannot be used', cause);
  }
}

function readFile(config: GatewayConfig, file: string, name: string): Buffer {
  try {
    return readFileSync(resolve(baseDirectoryOf(config), file));
  } catch (cause) {
    const reason = `cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`;
    throw configErrorAt(config, ['tokenService', 'tls', name], reason, cause);
  }
}
