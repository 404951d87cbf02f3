import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';

/** Enough to see what a file is. */
const MAX_BYTES = 64 * 1024;

/**
 * Reads the beginning of files of a context for the checks. What is no plain file, or leads out of the context by a symbolic
 * link, is not looked at.
 */
export function createContextReader(directory: string): (path: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (path) => {
    if (!known.has(path)) known.set(path, readHead(directory, path));
    return known.get(path);
  };
}

function readHead(directory: string, path: string): string | undefined {
  let fd: number | undefined;
  try {
    const root = realpathSync(directory);
    const real = realpathSync(join(root, resolve('/', path)));
    if (!real.startsWith(root === sep ? sep : root + sep)) return undefined;
    // A pipe would wait for somebody to write.
    fd = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    if (!fstatSync(fd).isFile()) return undefined;
    const buffer = Buffer.alloc(MAX_BYTES);
    return buffer.toString('utf8', 0, readSync(fd, buffer));
  } catch {
    // The checks only look: what the build cannot read it says itself.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
