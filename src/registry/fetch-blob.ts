import { Readable } from 'node:stream';
import { sizeMismatch } from '../content/errors.ts';
import type { Descriptor } from '../oci/index.ts';
import { pullScope } from './auth.ts';
import { failed, unreachable } from './errors.ts';
import type { RepositoryContext } from './repository-context.ts';
import { backoffMs, isRetryableError, pause } from './retry.ts';
import { discardBody, type HttpResponse } from './transport.ts';

export interface FetchBlobOptions {
  readonly offset?: number;
  readonly signal?: AbortSignal;
}

/**
 * A blob as a stream from byte `offset`. When the connection breaks, it goes on where it stopped (Range), so that a large layer does not begin
 * again. Never gives more bytes than the descriptor says. The first answer is awaited: a blob that is not there is an error of this call.
 */
export async function fetchBlob(
  context: RepositoryContext,
  descriptor: Descriptor,
  { offset = 0, signal }: FetchBlobOptions,
): Promise<Readable> {
  if (offset >= descriptor.size) return Readable.from([]);
  const first = await openAt(context, descriptor, offset, signal);
  const stream = Readable.from(readResuming(context, descriptor, offset, first, signal), {
    objectMode: false,
    highWaterMark: 1024 * 1024,
    ...(signal === undefined ? {} : { signal }),
  });
  // A stream that is dropped before its first read has not begun to run, and would keep the connection.
  stream.once('close', () => first.body.destroy());
  return stream;
}

async function* readResuming(
  context: RepositoryContext,
  descriptor: Descriptor,
  offset: number,
  first: HttpResponse,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  let position = offset;
  let response: HttpResponse | undefined = first;
  // Attempts are counted anew whenever something arrives: a line that drops each minute still gets a layer through.
  for (let failures = 0; ; ) {
    const before = position;
    try {
      response ??= await openAt(context, descriptor, position, signal);
      for await (const chunk of response.body) {
        if (position + (chunk as Buffer).byteLength > descriptor.size)
          throw sizeMismatch(descriptor.digest, descriptor.size, undefined);
        position += (chunk as Buffer).byteLength;
        yield chunk as Buffer;
      }
      if (position === descriptor.size) return;
      throw closedEarly(response);
    } catch (error) {
      signal?.throwIfAborted();
      failures = position > before ? 1 : failures + 1;
      const broken = error instanceof Error && error.name === 'TsbuildError' ? error : breakOf(response, error);
      if (failures >= context.maxAttempts || !isRetryableError(broken)) throw broken;
      response = undefined;
      await pause(backoffMs(failures), signal);
    }
  }
}

/** Asks for the blob from `position`; what comes is as long as it should be, or of unknown length. */
async function openAt(
  { requester, url, path }: RepositoryContext,
  { digest, size }: Descriptor,
  position: number,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const response = await requester.send({
    method: 'GET',
    url: url(`blobs/${digest}`),
    headers: position === 0 ? {} : { range: `bytes=${position}-` },
    scopes: [pullScope(path)],
    expect: position === 0 ? [200] : [200, 206, 416],
    notFoundCode: 'BLOB_UNKNOWN',
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    // The registry's blob ends before the position: it is shorter than the descriptor says.
    if (response.status === 416) throw sizeMismatch(digest, size, position);
    const start = response.status === 206 ? rangeStart(response) : 0;
    if (start > position)
      throw failed('GET', response.url, `asked for bytes from ${position}, got bytes from ${start}`);
    const length = response.headers['content-length'];
    if (length !== undefined && start + Number(length) !== size)
      throw sizeMismatch(digest, size, start + Number(length));
    return start === position ? response : { ...response, body: skip(response, position - start) };
  } catch (error) {
    response.body.destroy();
    throw error;
  }
}

function rangeStart(response: HttpResponse): number {
  const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
  if (start === undefined) throw failed('GET', response.url, 'a partial answer without Content-Range');
  return Number(start);
}

/** Passes over bytes that are here already, where the registry ignores Range. */
function skip(response: HttpResponse, bytes: number): HttpResponse['body'] {
  const rest = async function* (): AsyncGenerator<Buffer> {
    let left = bytes;
    for await (const chunk of response.body) {
      const buffer = chunk as Buffer;
      if (buffer.byteLength > left) yield buffer.subarray(left);
      left = Math.max(0, left - buffer.byteLength);
    }
  };
  return Object.assign(Readable.from(rest(), { objectMode: false }), { dump: () => discardBody(response) });
}

/** The answer ended, politely, before its time. */
function closedEarly(response: HttpResponse): Error {
  return unreachable('GET', response.url, Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' }));
}

function breakOf(response: HttpResponse | undefined, error: unknown): unknown {
  return response === undefined ? error : unreachable('GET', response.url, error);
}
