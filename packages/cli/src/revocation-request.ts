/** One request to `POST /revocations` of a gateway's control listener. */

/** What came of it. */
export type RevocationAnswer =
  | {
      readonly revoked: true;
      /** When it may be forgotten, ISO 8601. */
      readonly until: string;
    }
  | {
      readonly revoked: false;
      /** Of the answer; undefined: there was none. */
      readonly status?: number;
      readonly reason: string;
    };

const TIMEOUT_MS = 15_000;

/** Asks a gateway to revoke. `secret`: that of its operators. Never rejects. */
export async function askGateway(gateway: URL, revocation: object, secret: string | undefined): Promise<RevocationAnswer> {
  try {
    const response = await fetch(new URL('/revocations', gateway), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: JSON.stringify(revocation),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return toAnswer(response.status, (await response.json().catch(() => undefined)) as unknown);
  } catch (error) {
    return { revoked: false, reason: `${gateway.host} did not answer (${causeOf(error)})` };
  }
}

function toAnswer(status: number, body: unknown): RevocationAnswer {
  const { expiresAtMs, detail } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (status === 201 && typeof expiresAtMs === 'number') return { revoked: true, until: new Date(expiresAtMs).toISOString() };
  if (status === 404)
    return { revoked: false, status, reason: 'no revocations here: is it the control listener, with a section revocation?' };
  return { revoked: false, status, reason: typeof detail === 'string' ? printable(detail) : `the answer was ${status}` };
}

// What another program says must not reach the terminal as control codes.
function printable(text: string): string {
  return text.slice(0, 500).replaceAll(/[\p{Cc}\p{Cf}]/gu, '?');
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return code ?? error.name;
}
