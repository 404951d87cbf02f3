import type { TsbuildError } from '../errors.ts';
import type { Authorizer, Scope } from './auth.ts';
import { failed, type RefusalContext, type RegistryErrorEntry, refused } from './errors.ts';
import { attemptsFor, backoffMs, isRetryableStatus, parseRetryAfter, pause } from './retry.ts';
import { discardBody, type HttpRequest, type HttpResponse, type Transport } from './transport.ts';

interface RegistryRequest extends Omit<HttpRequest, 'authorization'> {
  readonly scopes: readonly Scope[];
  /** Statuses that are an answer; every other one is an error. */
  readonly expect: readonly number[];
  /** For hints: the tag or digest that was asked for, and the code of a 404 that gives none. */
  readonly reference?: string;
  readonly notFoundCode?: string;
  /** False for what must not be sent twice without a look at what the first time did. */
  readonly retry?: boolean;
}

/** Requests to one repository: authorised, retried, and refused as errors that say why. */
export interface Requester {
  send(request: RegistryRequest): Promise<HttpResponse>;
}

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly maxRetryAfterMs: number;
}

const MAX_ERROR_BYTES = 64 * 1024;

export function createRequester(
  transport: Transport,
  authorizer: Authorizer,
  policy: RetryPolicy,
  describeContext: () => Pick<RefusalContext, 'domain' | 'path' | 'places'>,
): Requester {
  /** Sends once; a 401 is answered, once, with what the registry asks for. */
  const sendAuthorized = async (request: RegistryRequest): Promise<HttpResponse> => {
    const authorization = await authorizer.authorize(request.scopes, request.signal);
    const response = await transport.send(authorization === undefined ? request : { ...request, authorization });
    if (response.status !== 401 || !response.fromRegistry) return response;
    if (!(await authorizer.learn(response.headers['www-authenticate'], authorization))) return response;
    await discardBody(response);
    const fresh = await authorizer.authorize(request.scopes, request.signal);
    return transport.send(fresh === undefined ? request : { ...request, authorization: fresh });
  };

  const refuse = async (request: RegistryRequest, response: HttpResponse): Promise<TsbuildError> => {
    const { errors, text } = await readErrors(response);
    const { method, reference, notFoundCode } = request;
    return refused(
      { method, url: response.url.href, status: response.status, expected: request.expect, errors, text },
      {
        ...describeContext(),
        authenticated: await authorizer.isAuthenticated().catch(() => false),
        ...(reference === undefined ? {} : { reference }),
        ...(notFoundCode === undefined ? {} : { notFoundCode }),
      },
    );
  };

  return {
    async send(request) {
      const attempts = request.retry === false ? 1 : policy.maxAttempts;
      for (let attempt = 1; ; attempt++) {
        let delayMs = backoffMs(attempt);
        try {
          const response = await sendAuthorized(request);
          if (request.expect.includes(response.status)) return response;
          if (attempt >= attempts || !isRetryableStatus(response.status)) throw await refuse(request, response);
          const asked = parseRetryAfter(response.headers['retry-after'], Date.now());
          // A registry that asks for an hour is told to the user at once.
          if (asked !== undefined && asked > policy.maxRetryAfterMs) throw await refuse(request, response);
          await discardBody(response);
          delayMs = Math.max(delayMs, asked ?? 0);
        } catch (error) {
          request.signal?.throwIfAborted();
          if (attempt >= attemptsFor(error, attempts)) throw error;
        }
        await pause(delayMs, request.signal);
      }
    },
  };
}

/** A small answer whole; throws `REGISTRY_FAILED` when it is longer than `maxBytes`. */
export async function readBody(method: string, response: HttpResponse, maxBytes: number): Promise<Buffer> {
  const tooLong = (): TsbuildError => failed(method, response.url, `the answer is longer than ${maxBytes} bytes`);
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) {
    response.body.destroy();
    throw tooLong();
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += (chunk as Buffer).byteLength;
    if (size > maxBytes) throw tooLong();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** The error list of an answer, or the start of its text. */
async function readErrors(response: HttpResponse): Promise<{ errors: RegistryErrorEntry[]; text: string }> {
  let content: string;
  try {
    content = (await readBody('GET', response, MAX_ERROR_BYTES)).toString('utf8');
  } catch {
    return { errors: [], text: '' };
  }
  try {
    const list = (JSON.parse(content) as { errors?: unknown } | null)?.errors;
    if (!Array.isArray(list)) return { errors: [], text: '' };
    return { errors: list.slice(0, 5).map(readEntry), text: '' };
  } catch {
    // A proxy's page of HTML helps nobody.
    return { errors: [], text: content.trimStart().startsWith('<') ? '' : content };
  }
}

function readEntry(value: unknown): RegistryErrorEntry {
  const entry = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return {
    code: typeof entry.code === 'string' ? entry.code : '',
    message: typeof entry.message === 'string' ? entry.message : '',
  };
}
