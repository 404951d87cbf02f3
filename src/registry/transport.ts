import { Readable } from 'node:stream';
import { VERSION } from '../version.ts';
import type { Dispatchers } from './dispatchers.ts';
import { redirectRefused, tooManyRedirects, unreachable } from './errors.ts';
import type { Endpoint } from './hosts.ts';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface HttpRequest {
  readonly method: Method;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the registry's own origin alone. */
  readonly authorization?: string;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
  /** Default true. */
  readonly followRedirects?: boolean;
  /** Until the headers of the answer; the transport's default when absent. */
  readonly headersTimeoutMs?: number;
}

/** A body that can be sent more than once. */
export interface RequestBody {
  readonly size: number;
  open(): AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; of a repeated header the first, WWW-Authenticate joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ResponseBody;
  /** Of whoever answered in the end. */
  readonly url: URL;
  /** False when a redirect led to another host. */
  readonly fromRegistry: boolean;
}

type ResponseBody = Readable & { dump(options?: { limit: number }): Promise<void> };

/** One exchange with a registry: redirects are followed, nothing is retried. Throws `REGISTRY_UNREACHABLE`, `REGISTRY_TLS`. */
export interface Transport {
  send(request: HttpRequest): Promise<HttpResponse>;
}

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What is read of an answer that nobody wants, to keep its connection; beyond, the connection goes. */
const DUMP_BYTES = 64 * 1024;

export function createTransport(
  endpoint: Endpoint,
  dispatchers: Dispatchers,
  timeouts: { readonly headersTimeoutMs: number; readonly bodyTimeoutMs: number },
): Transport {
  const exchange = async (request: HttpRequest, url: URL): Promise<HttpResponse> => {
    const { request: send } = await import('undici');
    const { method, body } = request;
    const own = url.origin === endpoint.origin;
    const headers: Record<string, string> = { 'user-agent': `tsbuild/${VERSION}`, ...request.headers };
    // A signed URL of a storage service must not see our credentials, and refuses requests that carry some.
    if (own && request.authorization !== undefined) headers.authorization = request.authorization;
    if (body !== undefined) headers['content-length'] = String(body.size);
    try {
      const response = await send(url, {
        // Loopback needs no certificate that anybody vouches for; where it leads to does.
        dispatcher: await dispatchers.find(url, isReading(method) ? 'read' : 'write', endpoint.verifyTls || !own),
        method,
        headers,
        headersTimeout: request.headersTimeoutMs ?? timeouts.headersTimeoutMs,
        bodyTimeout: timeouts.bodyTimeoutMs,
        ...(body === undefined || body.size === 0 ? {} : { body: await openBody(body) }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      // An error that comes after the last reader has gone has nobody left to tell.
      response.body.on('error', () => {});
      return {
        status: response.statusCode,
        headers: flatten(response.headers),
        body: response.body,
        url,
        fromRegistry: own,
      };
    } catch (error) {
      request.signal?.throwIfAborted();
      throw isOwnError(error) ? error : unreachable(method, url, error);
    }
  };

  return {
    async send(request) {
      let { url } = request;
      let current = request;
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        const response = await exchange(current, url);
        const { location } = response.headers;
        if (!REDIRECTS.has(response.status) || location === undefined || request.followRedirects === false)
          return response;
        await discardBody(response);
        url = resolveRedirect(request.method, url, location);
        // 303 asks for a GET; 301 and 302 are left as they are for everything that is not a form.
        if (response.status === 303 && request.method !== 'HEAD') {
          const { body: _, ...rest } = current;
          current = { ...rest, method: 'GET' };
        }
      }
      throw tooManyRedirects(request.method, request.url);
    },
  };
}

/** Reads the rest of an answer, so that its connection can be used again. */
export async function discardBody(response: HttpResponse): Promise<void> {
  await response.body.dump({ limit: DUMP_BYTES }).catch(() => {});
}

function isReading(method: Method): boolean {
  return method === 'GET' || method === 'HEAD';
}

function resolveRedirect(method: Method, from: URL, location: string): URL {
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw redirectRefused(method, from, 'its address is not a URL');
  }
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw redirectRefused(method, from, `to ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw redirectRefused(method, from, `it leads from HTTPS to plain HTTP (${to.host})`);
  return to;
}

/** Marks what goes wrong while the body is read, which is not the network's failure. */
async function openBody(body: RequestBody): Promise<Readable> {
  try {
    return Readable.from(guard(await body.open()), { objectMode: false });
  } catch (error) {
    throw new BodyFailure(error);
  }
}

async function* guard(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    throw new BodyFailure(error);
  }
}

/** The content to be sent could not be read; `cause` says why. */
export class BodyFailure extends Error {
  constructor(cause: unknown) {
    super('the content could not be read', { cause });
    this.name = 'BodyFailure';
  }
}

function isOwnError(error: unknown): boolean {
  return error instanceof BodyFailure || (error instanceof Error && error.name === 'TsbuildError');
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const key = name.toLowerCase();
    flat[key] = Array.isArray(value) ? (key === 'www-authenticate' ? value.join(', ') : (value[0] ?? '')) : value;
  }
  return flat;
}
