import { createHash } from 'node:crypto';
import { chmod, chown, open, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { lockMismatch, type UrlPin, urlName } from '../../lockfile/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { HttpResponse } from '../../registry/transport.ts';
import type { Snapshotter } from '../../snapshot/snapshotter.ts';
import type { SourceOptions } from '../types.ts';
import { checksumMismatch, downloadUnwritable } from './errors.ts';
import { digestFile, type FoundFile, type HttpFile } from './file-op.ts';
import { nameDownload } from './names.ts';

/**
 * Writes the body of an answer to a snapshot of one file, hashed on the way; nothing of it is held in memory. A locked file
 * has its locked time, whatever the server says. Throws `DIGEST_MISMATCH`, `LOCK_MISMATCH`, `STORE_FULL`, and what the connection breaks with.
 */
export async function saveDownload(
  snapshotter: Pick<Snapshotter, 'prepare'>,
  file: HttpFile,
  answer: HttpResponse,
  options: SourceOptions,
  pin?: UrlPin,
): Promise<{ readonly found: FoundFile; readonly snapshot: string; readonly size: number }> {
  const name = file.filename ?? nameDownload(file.text, answer.headers['content-disposition']);
  const mtime = pin === undefined ? readTime(answer.headers['last-modified']) : pin.lastModified;
  const active = await snapshotter.prepare(undefined);
  try {
    const path = join(active.mount.upper ?? '', name);
    const { digest, size } = await writeBody(path, file, name, answer, options);
    if (pin !== undefined && pin.digest !== digest) throw lockMismatch(urlName(file.text), pin.digest, digest);
    if (file.checksum !== undefined && file.checksum !== digest)
      throw checksumMismatch(file.text, file.checksum, digest);
    // The owner first: changing it clears set-id bits.
    await chown(path, file.uid, file.gid);
    await chmod(path, file.mode);
    await utimes(path, mtime ?? 0, mtime ?? 0);
    const found: FoundFile = { name, digest, ...(mtime === undefined ? {} : { mtime }) };
    const { name: snapshot } = await active.commit(digestFile(file, found));
    return { found, snapshot, size };
  } catch (error) {
    answer.body.destroy();
    await active.remove();
    throw error;
  }
}

async function writeBody(
  path: string,
  file: HttpFile,
  name: string,
  { headers, body }: HttpResponse,
  { signal, onTask }: SourceOptions,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = createHash('sha256');
  const encoded = headers['content-encoding']?.toLowerCase() === 'gzip';
  // Of an encoded body the length says nothing about the file.
  const total = encoded ? 0 : Number(headers['content-length'] ?? 0) || 0;
  const task = `downloading ${name}`;
  let size = 0;
  async function* measure(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk);
      size += chunk.byteLength;
      onTask?.(task, size, total);
      yield chunk;
    }
  }
  const handle = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw downloadUnwritable(file.text, error);
  });
  const write = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source)
      await handle.writeFile(chunk).catch((error: unknown) => {
        throw downloadUnwritable(file.text, error);
      });
  };
  try {
    // Loaded when needed: it is a share of what a cached build costs.
    if (encoded) await pipeline(body, (await import('node:zlib')).createGunzip(), measure, write, { signal });
    else await pipeline(body, measure, write, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await handle.close();
  }
  onTask?.(task, size, Math.max(size, total), true);
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

/** An HTTP date in seconds since the epoch. */
function readTime(header: string | undefined): number | undefined {
  const time = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}
