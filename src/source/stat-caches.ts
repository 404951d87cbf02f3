import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode } from '../errors.ts';
import { digestEncoded, digestOf } from '../oci/index.ts';

/** What is remembered of the files of one build context: digests by what stat(2) says of them. A cache: it may go at any time. */
export interface StatCacheFile {
  readonly path: string;
  readonly bytes: number;
  /** When a build last learnt something new of the context. */
  readonly modifiedMs: number;
  /** The directory that it is about; `undefined` for a file that no version of this program would read any more. */
  readonly context: string | undefined;
  /** There is no such directory any more. One that cannot be looked at (a disk that is not mounted looks the same) is not told from it. */
  readonly isOrphan: boolean;
}

/** Where the native layer keeps what it knows of a context's files (native/fs/stat_cache.h). */
export function statCachePath(directory: string, context: string): string {
  return join(directory, digestEncoded(digestOf(context)));
}

/** The stat caches of a store: the files in `paths.statCache`. None where there is no such directory. */
export function listStatCaches(directory: string): readonly StatCacheFile[] {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => readStatCache(join(directory, name)) ?? []);
}

/** `undefined` for what is no file, or is gone by now. */
function readStatCache(path: string): StatCacheFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) return undefined;
    const context = readContext(fd);
    const isOurs = context !== undefined && isNamedAfter(basename(path), context);
    return {
      path,
      bytes: status.size,
      modifiedMs: status.mtimeMs,
      context: isOurs ? context : undefined,
      isOrphan: !isOurs || !isDirectory(context),
    };
  } finally {
    closeSync(fd);
  }
}

/** The name says which context it is for, and after a point what kind of digests it has; a file for another is not believed, as in use. */
function isNamedAfter(name: string, context: string): boolean {
  const [digest, ...kind] = name.split('.');
  // What is being written, or was when its process died.
  return digest === digestEncoded(digestOf(context)) && kind.at(-1) !== 'new';
}

const MAGIC = 'tsbstat2';
const HEADER_BYTES = 64;
const CONTEXT_SIZE_AT = 24;
/** PATH_MAX. */
const MAX_CONTEXT_BYTES = 4096;

function readContext(fd: number): string | undefined {
  const head = Buffer.alloc(HEADER_BYTES + MAX_CONTEXT_BYTES);
  const size = readSync(fd, head, 0, head.length, 0);
  if (size < HEADER_BYTES || head.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const contextSize = head.readBigUInt64LE(CONTEXT_SIZE_AT);
  if (contextSize > MAX_CONTEXT_BYTES || HEADER_BYTES + Number(contextSize) > size) return undefined;
  return head.toString('utf8', HEADER_BYTES, HEADER_BYTES + Number(contextSize));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
