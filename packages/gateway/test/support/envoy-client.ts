/** What Envoy is to the service: a gRPC client made from Envoy's own .proto files, and what Envoy does with the answer. */
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import {
  type ServiceDefinition,
  type ServiceError,
  credentials,
  loadPackageDefinition,
  makeClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';

const PROTOS = join(dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json')), 'deps');

const loaded = loadSync('envoy/service/auth/v3/external_auth.proto', {
  includeDirs: ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((folder) => join(PROTOS, folder)),
  keepCase: true,
  enums: String,
  defaults: true,
  oneofs: true,
});

export interface HeaderOption {
  readonly header: { readonly key: string; readonly value: string };
  readonly append: { readonly value: boolean } | null;
  readonly append_action: string;
}

export interface CheckResponse {
  readonly status: { readonly code: number } | null;
  readonly http_response: 'ok_response' | 'denied_response';
  readonly ok_response?: {
    readonly headers: HeaderOption[];
    readonly headers_to_remove: string[];
    readonly response_headers_to_add: HeaderOption[];
  };
  readonly denied_response?: {
    readonly status: { readonly code: string };
    readonly headers: HeaderOption[];
    readonly body: string;
  };
}

export interface EnvoyRequest {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** Name, value, name, value, ... in lower case, as HTTP/2 has them. */
  readonly fields?: readonly string[];
  /** `encode_raw_headers` of the filter. */
  readonly raw?: boolean;
}

export interface EnvoyClient {
  check(request: EnvoyRequest, timeoutMs?: number): Promise<CheckResponse>;
  /** Any CheckRequest. */
  send(message: object, timeoutMs?: number): Promise<CheckResponse>;
  /** Bytes in the place of a CheckRequest. */
  sendBytes(bytes: Buffer, timeoutMs?: number): Promise<Buffer>;
}

/** The bytes of a CheckRequest. */
export function encodeCheck(message: object): Buffer {
  const service = loaded['envoy.service.auth.v3.Authorization'] as ServiceDefinition;
  return service['Check']!.requestSerialize(message);
}

type Unary = (message: unknown, options: object, done: (error: ServiceError | null, answer: never) => void) => void;

export function createEnvoyClient(port: number): EnvoyClient {
  const address = `127.0.0.1:${port}`;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made at run time from the .proto files
  const { envoy } = loadPackageDefinition(loaded) as unknown as { envoy: { service: { auth: { v3: Record<string, never> } } } };
  const Authorization = envoy.service.auth.v3['Authorization']! as new (...given: unknown[]) => { Check: Unary; close(): void };
  const client = new Authorization(address, credentials.createInsecure());
  const Raw = makeClientConstructor(
    {
      check: {
        path: '/envoy.service.auth.v3.Authorization/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    'Raw',
  );
  const raw = new Raw(address, credentials.createInsecure()) as unknown as { check: Unary; close(): void };
  onTestFinished(() => {
    client.close();
    raw.close();
  });
  const call = <Answer>(unary: Unary, message: unknown, timeoutMs: number): Promise<Answer> =>
    new Promise((resolve, reject) => {
      unary(message, { deadline: Date.now() + timeoutMs }, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  const send = (message: object, timeoutMs = 5000): Promise<CheckResponse> => call(client.Check.bind(client), message, timeoutMs);
  return {
    send,
    check: (request, timeoutMs) => send(checkRequest(request), timeoutMs),
    sendBytes: (bytes, timeoutMs = 5000) => call(raw.check.bind(raw), bytes, timeoutMs),
  };
}

/** The message that Envoy would send. */
export function checkRequest({
  method = 'GET',
  path = '/api/x',
  host = 'api.example',
  fields = [],
  raw = true,
}: EnvoyRequest): object {
  const all = [':method', method, ':path', path, ':authority', host, ':scheme', 'https', ...fields];
  const pairs = Array.from({ length: all.length / 2 }, (_, index) => [all[2 * index]!, all[2 * index + 1]!] as const);
  const http = { id: '1', method, path, host, scheme: 'https', protocol: 'HTTP/2', size: -1 };
  if (raw) {
    const headers = pairs.map(([key, value]) => ({ key, raw_value: Buffer.from(value, 'latin1') }));
    return {
      attributes: { request: { time: { seconds: 1 }, http: { ...http, header_map: { headers } } }, source: { principal: 'x' } },
    };
  }
  // Duplicates joined; what is not UTF-8 becomes an exclamation mark.
  const headers: Record<string, string> = {};
  for (const [key, value] of pairs)
    headers[key] = key in headers ? `${headers[key]},${value}` : value.replaceAll(/[\x80-\xff]/g, '!');
  return { attributes: { request: { http: { ...http, headers } }, context_extensions: { a: 'b' } } };
}

/** What Envoy sends upstream after this answer; undefined: nothing. */
export function upstreamFields(request: EnvoyRequest, { ok_response: ok, status }: CheckResponse): string[] | undefined {
  if (ok === undefined || (status?.code ?? 0) !== 0) return undefined;
  let pairs = (request.fields ?? []).flatMap((name, index, all) => (index % 2 === 0 ? [[name, all[index + 1]!] as const] : []));
  for (const { header, append } of ok.headers) {
    if (append?.value !== true) pairs = pairs.filter(([name]) => name !== header.key);
    pairs.push([header.key, header.value]);
  }
  return pairs.filter(([name]) => !ok.headers_to_remove.includes(name)).flat();
}
