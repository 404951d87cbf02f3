import { createHash } from 'node:crypto';
import { contentTooLarge, digestMismatch, sizeMismatch } from '../content/errors.ts';
import { errorCode } from '../errors.ts';
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  isDigest,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  MediaType,
  sniffManifestType,
} from '../oci/index.ts';
import { pullScope, pushScope } from './auth.ts';
import { withDeadline } from './deadline.ts';
import { failed, manifestTooOld } from './errors.ts';
import type { RepositoryContext } from './repository-context.ts';
import { readBody } from './requester.ts';
import { backoffMs, isRetryableError, pause } from './retry.ts';
import { discardBody, type HttpResponse } from './transport.ts';

const ACCEPT = [MediaType.ociIndex, MediaType.ociManifest, MediaType.dockerIndex, MediaType.dockerManifest].join(', ');
/** A manifest is small: whoever takes longer is not going to finish. */
const DEADLINE_MS = 300_000;
const FETCH_ATTEMPTS = 3;
const PUT_ATTEMPTS = 3;
/** What a registry says of parts that are there, while it writes them for another client. */
const UNSETTLED = new Set(['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN', 'DIGEST_MISMATCH']);

/**
 * What a tag or digest names, by HEAD, which costs nothing where downloads are counted. Where that does not tell all, or is refused, GET: it
 * also says why.
 */
export function resolveManifest(
  context: RepositoryContext,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const deadline = { method: 'GET', url: context.url(`manifests/${reference}`), timeoutMs: DEADLINE_MS, signal };
  return withDeadline(deadline, (within) => resolveWithin(context, reference, within));
}

async function resolveWithin(context: RepositoryContext, reference: string, signal: AbortSignal): Promise<Descriptor> {
  const head = await request(context, 'HEAD', reference, ACCEPT, [200, 400, 403, 404, 405], signal);
  const descriptor = head.status === 200 ? describeHead(reference, head) : undefined;
  await discardBody(head);
  if (descriptor !== undefined) return checkType(context, reference, descriptor);
  const response = await request(context, 'GET', reference, ACCEPT, [200], signal);
  const content = await readBody('GET', response, MAX_MANIFEST_BYTES);
  return checkType(context, reference, describeContent(reference, response, content));
}

/** A manifest whole, verified against its descriptor. */
export async function fetchManifest(
  context: RepositoryContext,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { digest, size, mediaType } = descriptor;
  if (size > MAX_MANIFEST_BYTES) throw contentTooLarge(digest, size, MAX_MANIFEST_BYTES);
  for (let attempt = 1; ; attempt++)
    try {
      const deadline = { method: 'GET', url: context.url(`manifests/${digest}`), timeoutMs: DEADLINE_MS, signal };
      const content = await withDeadline(deadline, async (within) => {
        const response = await request(context, 'GET', digest, `${mediaType}, ${ACCEPT}`, [200], within);
        return readBody('GET', response, MAX_MANIFEST_BYTES);
      });
      if (content.byteLength !== size) throw sizeMismatch(digest, size, content.byteLength);
      verify(digest, content);
      return content;
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= FETCH_ATTEMPTS || !isRetryableError(error)) throw error;
      await pause(backoffMs(attempt), signal);
    }
}

export async function manifestExists(
  context: RepositoryContext,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { requester, url, path } = context;
  const response = await requester.send({
    method: 'HEAD',
    url: url(`manifests/${digest}`),
    headers: { accept: ACCEPT },
    scopes: [pushScope(path)],
    expect: [200, 404],
    ...(signal === undefined ? {} : { signal }),
  });
  await discardBody(response);
  return response.status === 200;
}

/**
 * Writes a manifest under a tag or its digest. Its parts were sent, or seen, just before: a registry that does not know them is asked
 * again, since several (distribution's on a file system is one) lose sight of a blob for the moment in which somebody else sends it too.
 */
export async function putManifest(
  context: RepositoryContext,
  reference: string,
  descriptor: Descriptor,
  content: Buffer,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      return await putOnce(context, reference, descriptor, content, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= PUT_ATTEMPTS || !UNSETTLED.has(errorCode(error) ?? '')) throw error;
      await pause(backoffMs(attempt), signal);
    }
}

async function putOnce(
  context: RepositoryContext,
  reference: string,
  descriptor: Descriptor,
  content: Buffer,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { requester, url, path } = context;
  const response = await requester.send({
    method: 'PUT',
    url: url(`manifests/${reference}`),
    headers: { 'content-type': descriptor.mediaType },
    body: {
      size: content.byteLength,
      async *open() {
        yield content;
      },
    },
    scopes: [pushScope(path)],
    expect: [201, 200, 202],
    notFoundCode: 'NAME_UNKNOWN',
    ...(signal === undefined ? {} : { signal }),
  });
  const stored = response.headers['docker-content-digest'];
  await discardBody(response);
  if (
    stored !== undefined &&
    isDigest(stored) &&
    sameAlgorithm(stored, descriptor.digest) &&
    stored !== descriptor.digest
  )
    throw digestMismatch(descriptor.digest, stored);
}

function request(
  { requester, url, path }: RepositoryContext,
  method: 'GET' | 'HEAD',
  reference: string,
  accept: string,
  expect: readonly number[],
  signal: AbortSignal,
): Promise<HttpResponse> {
  return requester.send({
    method,
    url: url(`manifests/${reference}`),
    headers: { accept },
    scopes: [pullScope(path)],
    expect,
    reference: isDigest(reference) ? `manifest ${reference}` : `tag ${reference}`,
    notFoundCode: 'MANIFEST_UNKNOWN',
    signal,
  });
}

/** The descriptor from a HEAD's headers; `undefined` where they do not suffice. */
function describeHead(reference: string, { headers }: HttpResponse): Descriptor | undefined {
  const digest = headers['docker-content-digest'];
  const mediaType = mediaTypeOf(headers);
  const size = Number(headers['content-length'] || Number.NaN);
  if (digest === undefined || !isDigest(digest) || !Number.isSafeInteger(size) || size <= 0) return undefined;
  if (mediaType === undefined || !mediaType.includes('.')) return undefined;
  // Asked for a digest, a registry may name it by another algorithm: GET and count ourselves.
  if (isDigest(reference) && reference !== digest) return undefined;
  return { mediaType, digest, size };
}

function describeContent(reference: string, { headers, url }: HttpResponse, content: Buffer): Descriptor {
  const given = mediaTypeOf(headers);
  const mediaType = given?.includes('.') ? given : sniffManifestType(content);
  if (mediaType === undefined) throw failed('GET', url, 'the answer is not a manifest');
  const claimed = headers['docker-content-digest'];
  const named = isDigest(reference) ? reference : undefined;
  const digest = named ?? (claimed !== undefined && isDigest(claimed) ? claimed : undefined);
  if (digest !== undefined) verify(digest, content);
  return { mediaType, digest: digest ?? hash('sha256', content), size: content.byteLength };
}

function checkType({ domain, path }: RepositoryContext, reference: string, descriptor: Descriptor): Descriptor {
  const { mediaType } = descriptor;
  if (isManifestType(mediaType) || isIndexType(mediaType)) return descriptor;
  throw manifestTooOld(`${domain}/${path}${isDigest(reference) ? '@' : ':'}${reference}`, mediaType);
}

function mediaTypeOf(headers: Readonly<Record<string, string>>): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}

function verify(digest: Digest, content: Buffer): void {
  const actual = hash(digestAlgorithm(digest), content);
  if (actual !== digest) throw digestMismatch(digest, actual);
}

function hash(algorithm: string, content: Buffer): Digest {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

function sameAlgorithm(a: Digest, b: Digest): boolean {
  return digestAlgorithm(a) === digestAlgorithm(b);
}
