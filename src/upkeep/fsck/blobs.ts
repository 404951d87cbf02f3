import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBlobSources } from '../../content/index.ts';
import { type Digest, isDigest } from '../../oci/index.ts';
import type { CheckContext } from './types.ts';

/** So many files are hashed by one call: progress and an abort come between. */
const BATCH = 64;

export interface CheckedBlobs {
  readonly count: number;
  readonly bytes: number;
  /** Those whose content is what their name says. */
  readonly good: ReadonlySet<Digest>;
}

/** Every blob is what its name says. */
export async function checkBlobs(context: CheckContext): Promise<CheckedBlobs> {
  const found = listBlobs(context);
  const bytes = found.reduce((sum, { size }) => sum + size, 0);
  const good = new Set<Digest>();
  const sources = createBlobSources(context.store);
  let done = 0;
  for (let start = 0; start < found.length; start += BATCH) {
    context.signal?.throwIfAborted();
    const batch = found.slice(start, start + BATCH);
    const actual = await hashAll(context, batch);
    for (const [i, { digest, path, size }] of batch.entries()) {
      done += size;
      if (actual[i] === digest) {
        good.add(digest);
        continue;
      }
      const isRead = actual[i]?.includes(':') === true;
      const [from] = sources.repositories(digest);
      const where = from === undefined ? 'nobody is known to have it' : `${from.domain}/${from.path} has had it`;
      context.report({
        code: isRead ? 'blob-damaged' : 'blob-unreadable',
        severity: 'error',
        subject: digest,
        message: isRead
          ? `its content hashes to ${actual[i]}; ${where}`
          : `it cannot be read (${actual[i] ?? 'unknown'}); ${where}`,
        repair: 'moved to quarantine: it counts as not there, and is fetched or packed again when it is needed',
        cure: async ({ quarantine }) => {
          quarantine(path);
          return true;
        },
      });
    }
    context.onProgress?.('verifying blobs', done, bytes);
  }
  return { count: found.length, bytes, good };
}

interface BlobFile {
  readonly digest: Digest;
  readonly path: string;
  readonly size: number;
}

function listBlobs({ store, report }: CheckContext): readonly BlobFile[] {
  const { blobs, root } = store.paths;
  const found: BlobFile[] = [];
  const stray = (path: string): void =>
    report({
      code: 'stray-file',
      severity: 'warning',
      subject: relative(root, path),
      message: 'no blob has such a name',
      repair: 'moved to quarantine',
      cure: async ({ quarantine }) => {
        quarantine(path);
        return true;
      },
    });
  for (const algorithm of readdirSync(blobs)) {
    const directory = join(blobs, algorithm);
    if (!lstatSync(directory).isDirectory() || !/^[a-z0-9]+$/.test(algorithm)) {
      stray(directory);
      continue;
    }
    for (const encoded of readdirSync(directory)) {
      const path = join(directory, encoded);
      const digest = `${algorithm}:${encoded}` as const;
      const status = lstatSync(path, { throwIfNoEntry: false });
      if (status === undefined) continue;
      if (!isDigest(digest) || !status.isFile()) stray(path);
      else found.push({ digest, path, size: status.size });
    }
  }
  return found;
}

async function hashAll({ native }: CheckContext, batch: readonly BlobFile[]): Promise<readonly string[]> {
  const native256 = batch.filter(({ digest }) => digest.startsWith('sha256:'));
  const hashed = await native.hashFiles({ paths: native256.map(({ path }) => path) });
  const answers = new Map(native256.map(({ path }, i) => [path, hashed[i] ?? '']));
  for (const { digest, path } of batch) if (!answers.has(path)) answers.set(path, await hashOther(digest, path));
  return batch.map(({ path }) => answers.get(path) ?? '');
}

async function hashOther(digest: Digest, path: string): Promise<string> {
  const algorithm = digest.slice(0, digest.indexOf(':'));
  try {
    const hash = createHash(algorithm);
    await pipeline(createReadStream(path), hash);
    return `${algorithm}:${hash.digest('hex')}`;
  } catch {
    return statSync(path, { throwIfNoEntry: false }) === undefined ? 'ENOENT' : 'EIO';
  }
}
