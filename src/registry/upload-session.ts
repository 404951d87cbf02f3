import { sizeMismatch } from '../content/errors.ts';
import type { ReopenableContent } from '../content/targets.ts';
import { type Descriptor, digestAlgorithm } from '../oci/index.ts';
import { pullScope, pushScope, type Scope } from './auth.ts';
import { failed } from './errors.ts';
import type { RepositoryContext } from './repository-context.ts';
import { discardBody, type HttpResponse, type RequestBody } from './transport.ts';

/** An upload that a registry has opened (distribution-spec, "pushing blobs"). */
export interface UploadSession {
  /** Where the next request goes; opaque, changes with each answer. */
  readonly url: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
  /** The least a chunk must have, the last one excepted; 0 where the registry does not say. */
  readonly minChunkBytes: number;
}

/** A registry may take minutes to hash and store what it received before it answers. */
const COMMIT_TIMEOUT_MS = 15 * 60_000;
const CANCEL_TIMEOUT_MS = 2000;

/** Opens an upload. With `from`, the registry may instead have mounted the blob from there: then there is none. */
export async function startUpload(
  context: RepositoryContext,
  { digest }: Pick<Descriptor, 'digest'>,
  signal: AbortSignal | undefined,
  from?: string,
): Promise<UploadSession | undefined> {
  const url = context.url('blobs/uploads/');
  const scopes: Scope[] = [pushScope(context.path)];
  if (from !== undefined) {
    url.searchParams.set('mount', digest);
    url.searchParams.set('from', from);
    scopes.push(pullScope(from));
  } else if (digestAlgorithm(digest) !== 'sha256') url.searchParams.set('digest-algorithm', digestAlgorithm(digest));
  const response = await context.requester.send({
    method: 'POST',
    url,
    scopes,
    expect: from === undefined ? [202] : [201, 202],
    notFoundCode: 'NAME_UNKNOWN',
    ...(signal === undefined ? {} : { signal }),
  });
  await discardBody(response);
  if (response.status === 201) return undefined;
  const minimum = Number(response.headers['oci-chunk-min-length'] ?? 0);
  return nextSession(response, 0, Number.isSafeInteger(minimum) && minimum > 0 ? minimum : 0);
}

/** Sends everything and commits, in one request. */
export async function putWhole(
  context: RepositoryContext,
  session: UploadSession,
  descriptor: Descriptor,
  content: ReopenableContent,
  onBytes: (current: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = range(descriptor, content, 0, descriptor.size, onBytes);
  await commit(context, session, descriptor.digest, body, signal);
}

/** Sends the bytes from the session's offset up to `end`. */
export async function patchChunk(
  context: RepositoryContext,
  session: UploadSession,
  descriptor: Descriptor,
  content: ReopenableContent,
  end: number,
  onBytes: (current: number) => void,
  signal: AbortSignal | undefined,
): Promise<UploadSession> {
  const response = await context.requester.send({
    method: 'PATCH',
    url: session.url,
    headers: { 'content-type': 'application/octet-stream', 'content-range': `${session.offset}-${end - 1}` },
    body: range(descriptor, content, session.offset, end, onBytes),
    scopes: [pushScope(context.path)],
    expect: [202, 201, 204],
    retry: false,
    notFoundCode: 'BLOB_UPLOAD_UNKNOWN',
    headersTimeoutMs: COMMIT_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  await discardBody(response);
  return nextSession(response, end, session.minChunkBytes);
}

/** Ends an upload whose bytes the registry has all. */
export async function commitUpload(
  context: RepositoryContext,
  session: UploadSession,
  { digest }: Descriptor,
  signal: AbortSignal | undefined,
): Promise<void> {
  await commit(context, session, digest, undefined, signal);
}

/** Asks how much of a broken upload arrived; `undefined` when the registry does not know it any more. */
export async function readUploadStatus(
  context: RepositoryContext,
  session: UploadSession,
  signal: AbortSignal | undefined,
): Promise<UploadSession | undefined> {
  const response = await context.requester.send({
    method: 'GET',
    url: session.url,
    scopes: [pushScope(context.path)],
    expect: [204, 200, 202, 400, 404, 405, 416],
    ...(signal === undefined ? {} : { signal }),
  });
  await discardBody(response);
  if (response.status >= 400) return undefined;
  const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.range ?? '')?.[1];
  // `0-0` is said of one byte and, by many, of none: not worth the doubt.
  if (last === undefined || Number(last) === 0) return undefined;
  return nextSession(response, Number(last) + 1, session.minChunkBytes, session.url);
}

/** Tells the registry that an upload will not go on; nobody waits long for its answer. */
export async function cancelUpload(context: RepositoryContext, session: UploadSession): Promise<void> {
  try {
    const response = await context.requester.send({
      method: 'DELETE',
      url: session.url,
      scopes: [pushScope(context.path)],
      expect: [204, 200, 202],
      retry: false,
      signal: AbortSignal.timeout(CANCEL_TIMEOUT_MS),
    });
    await discardBody(response);
  } catch {
    // The registry forgets it in its own time.
  }
}

async function commit(
  context: RepositoryContext,
  session: UploadSession,
  digest: string,
  body: RequestBody | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  // The query of a Location is the registry's own and stays as it is.
  const url = new URL(session.url);
  url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
  const response = await context.requester.send({
    method: 'PUT',
    url,
    headers: { 'content-type': 'application/octet-stream' },
    ...(body === undefined ? {} : { body }),
    scopes: [pushScope(context.path)],
    expect: [201, 204],
    retry: false,
    notFoundCode: 'BLOB_UPLOAD_UNKNOWN',
    headersTimeoutMs: COMMIT_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  await discardBody(response);
}

function nextSession(response: HttpResponse, offset: number, minChunkBytes: number, fallback?: URL): UploadSession {
  const { location } = response.headers;
  if (location === undefined && fallback === undefined)
    throw failed('POST', response.url, 'the registry opened an upload without a Location');
  let url: URL;
  try {
    url = location === undefined ? new URL(fallback ?? response.url) : new URL(location, response.url);
  } catch {
    throw failed('POST', response.url, 'the Location of the upload is not a URL');
  }
  // Behind a proxy that ends TLS, registries often name themselves in plain HTTP.
  if (response.url.protocol === 'https:' && url.protocol === 'http:' && url.hostname === response.url.hostname) {
    url.protocol = 'https:';
    url.port = response.url.port;
  }
  if (url.protocol !== response.url.protocol && url.protocol !== 'https:')
    throw failed('POST', response.url, `the Location of the upload leads to ${url.protocol}//${url.host}`);
  return { url, offset, minChunkBytes };
}

/** The bytes from `start` up to `end`, each time anew; throws `SIZE_MISMATCH` when the content ends before. */
function range(
  { digest, size }: Descriptor,
  content: ReopenableContent,
  start: number,
  end: number,
  onBytes: (current: number) => void,
): RequestBody {
  return {
    size: end - start,
    async *open() {
      let position = start;
      for await (const chunk of await content.open(start)) {
        const bytes = chunk as Buffer;
        const wanted = Math.min(bytes.byteLength, end - position);
        position += wanted;
        yield wanted === bytes.byteLength ? bytes : bytes.subarray(0, wanted);
        onBytes(position);
        if (position === end) return;
      }
      throw sizeMismatch(digest, size, position);
    },
  };
}
