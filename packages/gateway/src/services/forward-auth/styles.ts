/** How each proxy says which request it asks about, and which answers it understands, as one table. */
import { type HeaderSource, WatchwordError } from '@watchword/core';
import type { ForwardAuthStyle } from '../../config/sections/decision-service.ts';

/** The request line and the host, as the proxy names them. */
export interface OriginalRequest {
  readonly method: string;
  readonly host: string;
  readonly target: string;
}

/** What is peculiar to one kind of proxy. */
export interface Style {
  /** The fields that name the original request. */
  readonly method: string;
  readonly target: string;
  readonly host: string;
  /** Other fields about the way of the request, which the proxy may set or may have taken from a proxy in front of it. */
  readonly ownFields: ReadonlySet<string>;
  /** The status that the proxy is told instead of the true one, which then goes into {@link TRUE_STATUS}. */
  readonly statusFor: (status: number) => number;
}

/** Field with the true status, for proxies that understand 401 and 403 only. */
export const TRUE_STATUS = 'x-watchword-status';

const ADDRESS_FIELDS = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-real-ip'];

// XA-7: nginx passes on 401 and 403. Everything else is an error to it, a 500 for the client.
const NGINX: Style = {
  method: 'x-original-method',
  target: 'x-original-uri',
  host: 'host',
  ownFields: new Set([...ADDRESS_FIELDS, 'x-original-method', 'x-original-uri']),
  statusFor: (status) => (status === 401 ? 401 : 403),
};

// XA-8: what is not 2xx goes to the client as it is.
const FORWARDED: Style = {
  method: 'x-forwarded-method',
  target: 'x-forwarded-uri',
  host: 'x-forwarded-host',
  ownFields: new Set([...ADDRESS_FIELDS, 'x-forwarded-method', 'x-forwarded-uri', 'x-forwarded-server']),
  statusFor: (status) => status,
};

/** Each style by its name in the configuration. */
export const STYLES: Readonly<Record<ForwardAuthStyle, Style>> = { nginx: NGINX, caddy: FORWARDED, traefik: FORWARDED };

/**
 * Reads what the proxy says about the original request. Each field must be there exactly once: a second one could be the client's.
 * @throws WatchwordError `request_malformed`
 */
export function readOriginal(source: HeaderSource, style: Style): OriginalRequest {
  const one = (name: string): string => {
    const values = source.values(name);
    if (values.length !== 1 || values[0] === '') {
      throw new WatchwordError('request_malformed', `The proxy sent ${values.length} fields ${name} where it has to send one`);
    }
    return values[0]!;
  };
  return { method: one(style.method), host: one(style.host), target: one(style.target) };
}
