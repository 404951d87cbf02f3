import { createHash } from 'node:crypto';
import { type Descriptor, digestAlgorithm } from '../oci/index.ts';
import { contentTooLarge, digestMismatch, sizeMismatch } from './errors.ts';
import type { Fetcher, TransferOptions } from './targets.ts';

/**
 * Fetches a manifest, an index or a config whole, never more than its descriptor says, and verifies digest and size. Throws
 * `CONTENT_TOO_LARGE` (above `maxBytes`, before a byte is asked for), `SIZE_MISMATCH`, `DIGEST_MISMATCH`.
 */
export async function fetchContent(
  source: Fetcher,
  descriptor: Descriptor,
  maxBytes: number,
  options: TransferOptions = {},
): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > maxBytes) throw contentTooLarge(digest, size, maxBytes);
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of await source.fetch(descriptor, options)) {
    received += (chunk as Buffer).byteLength;
    if (received > size) throw sizeMismatch(digest, size, undefined);
    chunks.push(chunk as Buffer);
    options.onProgress?.(received);
  }
  if (received !== size) throw sizeMismatch(digest, size, received);
  const content = Buffer.concat(chunks);
  const algorithm = digestAlgorithm(digest);
  const actual = `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
  if (actual !== digest) throw digestMismatch(digest, actual);
  return content;
}
