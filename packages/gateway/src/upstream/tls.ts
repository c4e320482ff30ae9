/** Certificates and keys towards the upstreams. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { GatewayConfig } from '../config/config.ts';
import { type ConfigPath, baseDirectoryOf, configErrorAt } from '../config/locate.ts';

/** What `node:tls` takes. */
export interface UpstreamTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

/** Reads the files of one upstream. @throws ConfigError naming the setting */
export function readUpstreamTls(config: GatewayConfig, name: string): UpstreamTls {
  const { caFile, certFile, keyFile, serverName } = config.upstreams[name]?.tls ?? {};
  const read = (setting: string, file: string): string => readText(config, ['upstreams', name, 'tls', setting], file);
  const tls = {
    ...(caFile === undefined ? {} : { ca: read('caFile', caFile) }),
    ...(certFile === undefined ? {} : { cert: read('certFile', certFile) }),
    ...(keyFile === undefined ? {} : { key: read('keyFile', keyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  try {
    createSecureContext(tls);
  } catch (cause) {
    // A parser's message may quote the file, so it is left out.
    throw configErrorAt(config, ['upstreams', name, 'tls'], 'holds files that are no matching PEM certificates and keys', cause);
  }
  return tls;
}

function readText(config: GatewayConfig, path: ConfigPath, file: string): string {
  try {
    return readFileSync(resolve(baseDirectoryOf(config), file), 'utf8');
  } catch (cause) {
    throw configErrorAt(config, path, `cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, cause);
  }
}
