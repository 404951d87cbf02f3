import { posix } from 'node:path';
import { cleanPath } from '../text.ts';

/** An absolute, clean path: relative ones are taken from `directory`. No `..` can leave the root. */
export function resolvePath(directory: string, path: string): string {
  return cleanPath(posix.isAbsolute(path) ? path : `/${directory}/${path}`);
}

/**
 * Where a COPY goes: as `resolvePath`, with a trailing slash where the destination must be a directory (`x/`, `x/.`, `.` and
 * nothing at all).
 */
export function resolveDestination(directory: string, path: string): string {
  const resolved = resolvePath(directory, path);
  const isDirectory = path === '' || path === '.' || path.endsWith('/') || path.endsWith('/.');
  return isDirectory && resolved !== '/' ? `${resolved}/` : resolved;
}
