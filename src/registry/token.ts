import { errorMessage, TsbuildError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { failed } from './errors.ts';
import type { Credential } from './types.ts';

export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
}

export interface Token {
  readonly value: string;
  readonly lifetimeMs: number;
}

/** Sends one request to a token server, with retries but no redirects, and gives its answer whatever the status. */
export type TokenSender = (request: {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly authorization?: string;
  readonly form?: string;
}) => Promise<{ readonly status: number; readonly content: Buffer }>;

/** Lifetimes below are not believed; without one it is assumed (distribution's token specification). */
const MIN_LIFETIME_S = 60;
/** Clocks differ, and a request takes its time. */
const SKEW_MS = 10_000;

/**
 * Gets a bearer token: an identity token by OAuth2's POST, falling back to GET where the server knows no POST; a name and password by
 * GET with Basic; anonymous by GET. Throws `REGISTRY_UNAUTHORIZED`, `REGISTRY_FAILED`.
 */
export async function fetchToken(request: TokenRequest, send: TokenSender): Promise<Token> {
  const { credential } = request;
  if (credential?.kind === 'identity') {
    const answer = await postRefreshToken(request, credential.token, send);
    if (answer.status !== 404 && answer.status !== 405) return readToken('POST', request, answer);
  }
  const url = new URL(request.realm);
  if (request.service !== undefined) url.searchParams.set('service', request.service);
  for (const scope of request.scopes) url.searchParams.append('scope', scope);
  if (credential?.kind !== 'password') return readToken('GET', request, await send({ method: 'GET', url }));
  url.searchParams.set('account', credential.username);
  const authorization = basicAuthorization(credential.username, credential.password);
  return readToken('GET', request, await send({ method: 'GET', url, authorization }));
}

export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function postRefreshToken({ realm, service, scopes }: TokenRequest, refreshToken: string, send: TokenSender) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: service ?? '',
    client_id: `tsbuild/${VERSION}`,
    access_type: 'offline',
    scope: scopes.join(' '),
    refresh_token: refreshToken,
  });
  return send({ method: 'POST', url: realm, form: form.toString() });
}

function readToken(
  method: string,
  { realm, credential }: TokenRequest,
  { status, content }: { readonly status: number; readonly content: Buffer },
): Token {
  if (status !== 200) throw tokenRefused(method, realm, status, credential !== undefined);
  let answer: Readonly<Record<string, unknown>>;
  try {
    answer = JSON.parse(content.toString('utf8')) as Record<string, unknown>;
  } catch (error) {
    throw failed(method, realm, `the token server's answer is not JSON (${errorMessage(error).slice(0, 40)})`);
  }
  const value = answer?.token || answer?.access_token;
  // It becomes a header: whatever could end the line does not get there.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw failed(method, realm, "the token server's answer holds no token");
  const given = typeof answer.expires_in === 'number' ? answer.expires_in : 0;
  const seconds = Math.min(Math.max(given, MIN_LIFETIME_S), 24 * 3600);
  return { value, lifetimeMs: seconds * 1000 - SKEW_MS };
}

function tokenRefused(method: string, realm: URL, status: number, authenticated: boolean): TsbuildError {
  if (status !== 400 && status !== 401 && status !== 403)
    return failed(method, realm, `the token server answered ${status}`);
  return new TsbuildError(
    'REGISTRY_UNAUTHORIZED',
    `${method} ${realm.origin}${realm.pathname}: the token server answered ${status}${authenticated ? ' to the stored credentials' : ''}`,
    {
      hint: authenticated ? 'log in again with "docker login"' : 'log in with "docker login"',
      details: { method, url: `${realm.origin}${realm.pathname}`, status },
    },
  );
}
