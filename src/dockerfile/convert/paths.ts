import { posix } from 'node:path';
import type { CopyAction } from '../../llb/index.ts';
import { cleanPath } from '../text.ts';

/** An absolute, clean path: relative ones are taken from `directory`. No `..` can leave the root. */
export function resolvePath(directory: string, path: string): string {
  return cleanPath(posix.isAbsolute(path) ? path : `/${directory}/${path}`);
}

/**
 * Where a COPY goes: as `resolvePath`, with a trailing slash where the destination must be a directory (`x/`, `x/.`, `.` and
 * nothing at all).
 */
export function resolveDestination(directory: string, path: string): Pick<CopyAction, 'dest' | 'written'> {
  const resolved = resolvePath(directory, path);
  const isDirectory = path === '' || path === '.' || path.endsWith('/') || path.endsWith('/.');
  const dest = isDirectory && resolved !== '/' ? `${resolved}/` : resolved;
  return path.endsWith('/.') ? { dest, written: `${resolved === '/' ? '' : resolved}/.` } : { dest };
}
