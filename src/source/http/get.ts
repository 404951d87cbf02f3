import { TsbuildError } from '../../errors.ts';
import type { Dispatchers } from '../../registry/dispatchers.ts';
import { explainFailure } from '../../registry/errors.ts';
import { attemptsFor, backoffMs, isRetryableStatus, parseRetryAfter, pause } from '../../registry/retry.ts';
import { createTransport, discardBody, type HttpResponse } from '../../registry/transport.ts';
import { userOf } from '../../remote-url/index.ts';
import type { HttpGet } from './client.ts';
import { notReached, redirectRefused, statusRefused, tooManyRedirects } from './errors.ts';

const MAX_ATTEMPTS = 5;
const MAX_REDIRECTS = 10;
const MAX_RETRY_AFTER_MS = 60_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Until the headers are there, and between two pieces of the body. A large file may take hours, silence may not. */
const TIMEOUTS = { headersTimeoutMs: 60_000, bodyTimeoutMs: 60_000 };

/** `HttpClient.get` over open connections. */
export async function get<T>(
  dispatchers: Dispatchers,
  request: HttpGet,
  receive: (answer: HttpResponse) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    let delayMs = backoffMs(attempt);
    try {
      const answer = await follow(dispatchers, request);
      if (answer.status === 304 || (answer.status >= 200 && answer.status < 300)) return await receive(answer);
      const asked = parseRetryAfter(answer.headers['retry-after'], Date.now()) ?? 0;
      await discardBody(answer);
      if (attempt >= MAX_ATTEMPTS || !isRetryableStatus(answer.status) || asked > MAX_RETRY_AFTER_MS)
        throw statusRefused(answer.url, answer.status, request.authorization !== undefined);
      delayMs = Math.max(delayMs, asked);
    } catch (error) {
      request.signal.throwIfAborted();
      if (attempt >= attemptsFor(error, MAX_ATTEMPTS)) throw explain(request.url, error);
    }
    await pause(delayMs, request.signal);
  }
}

/** One exchange, and those that its redirects lead to. */
async function follow(dispatchers: Dispatchers, request: HttpGet): Promise<HttpResponse> {
  const { headers, signal } = request;
  let { url, authorization } = request;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const endpoint = { domain: url.host, origin: url.origin, verifyTls: true };
    const answer = await createTransport(endpoint, dispatchers, TIMEOUTS).send({
      method: 'GET',
      url: withoutUser(url),
      followRedirects: false,
      signal,
      ...(headers === undefined ? {} : { headers }),
      ...withAuthorization(authorization ?? basicOf(url)),
    });
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
    await discardBody(answer);
    const next = resolveRedirect(url, location);
    // Credentials are for the host that they were given for, and not for its unencrypted side.
    if (next.hostname !== url.hostname || (url.protocol === 'https:' && next.protocol === 'http:'))
      authorization = undefined;
    url = next;
  }
  throw tooManyRedirects(request.url, MAX_REDIRECTS);
}

function resolveRedirect(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw redirectRefused(from, 'its address is not a URL');
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw redirectRefused(from, `it leads to ${to.protocol}`);
  return to;
}

/** `https://user:password@host/` is basic authentication. */
function basicOf(url: URL): string | undefined {
  const named = userOf(url);
  return named && `Basic ${Buffer.from(`${named.user}:${named.password}`).toString('base64')}`;
}

function withAuthorization(authorization: string | undefined): { readonly authorization?: string } {
  return authorization === undefined ? {} : { authorization };
}

function withoutUser(url: URL): URL {
  const clean = new URL(url);
  [clean.username, clean.password, clean.hash] = ['', '', ''];
  return clean;
}

/** The transport speaks of registries; here it was only a server. */
function explain(url: URL, error: unknown): unknown {
  if (error instanceof TsbuildError && !error.code.startsWith('REGISTRY_')) return error;
  const cause = error instanceof TsbuildError ? error.cause : error;
  const failure = explainFailure(cause, url.host, 'server');
  return failure.code === '' && error instanceof TsbuildError ? error : notReached(url, failure, cause);
}
