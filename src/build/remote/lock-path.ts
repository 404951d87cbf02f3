import { readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { BuildRequest } from '../../build-types.ts';
import { errorCode, errorMessage } from '../../errors.ts';
import { type Lockfile, lockUnreadable, MAX_LOCK_BYTES, parseLock } from '../../lockfile/index.ts';
import type { MainContext } from '../context/main.ts';
import type { DockerfileInput } from '../inputs.ts';

const LOCK_SUFFIX = '.lock';

/** Where the lock file of a Dockerfile lies on this machine: `<Dockerfile>.lock` beside it. `undefined` for one that came from elsewhere. */
export function findLockPath(
  { lockFile }: Pick<BuildRequest, 'lockFile'>,
  dockerfile: DockerfileInput,
  main: MainContext,
): string | undefined {
  if (lockFile !== undefined) return resolve(lockFile);
  if (dockerfile.path !== undefined) return dockerfile.path + LOCK_SUFFIX;
  // A Dockerfile without a file of its own is taken for the context's.
  return main.type === 'directory' && dockerfile.readBeside === undefined
    ? join(main.directory, `Dockerfile${LOCK_SUFFIX}`)
    : undefined;
}

/** The lock file of a build. `shown` is what messages call it. Throws `LOCK_UNREADABLE`, `LOCK_INVALID`, `LOCK_VERSION`. */
export function readLock(
  request: Pick<BuildRequest, 'lockFile'>,
  dockerfile: DockerfileInput,
  main: MainContext,
): { readonly lock: Lockfile; readonly shown: string } {
  const path = findLockPath(request, dockerfile, main);
  if (path !== undefined) return { lock: readLockFile(path), shown: basename(path) };
  const shown = `${dockerfile.fileName}${LOCK_SUFFIX}`;
  const file = dockerfile.readBeside?.(LOCK_SUFFIX, MAX_LOCK_BYTES);
  if (file === undefined) throw lockUnreadable(shown, 'it does not exist', undefined);
  if (file.total > MAX_LOCK_BYTES) throw lockUnreadable(shown, `it has ${file.total} bytes`, undefined);
  return { lock: parseLock(file.content.toString('utf8'), shown), shown };
}

/** Throws `LOCK_UNREADABLE`, `LOCK_INVALID`, `LOCK_VERSION`. */
export function readLockFile(path: string): Lockfile {
  let text: string;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error('it is not a file');
    if (stat.size > MAX_LOCK_BYTES) throw new Error(`it has ${stat.size} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw lockUnreadable(path, errorCode(error) === 'ENOENT' ? 'it does not exist' : errorMessage(error), error);
  }
  return parseLock(text, path);
}
