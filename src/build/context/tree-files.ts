import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../errors.ts';

/**
 * Files in a tree of the store that came from elsewhere. Its links may point anywhere, and mean places in the tree: none leads out of
 * it. Nobody changes the tree meanwhile, so looking first and opening then is safe.
 */

/** Bytes of one file; `total` is how many it has. */
export interface TreeFile {
  readonly content: Buffer;
  readonly total: number;
}

/** As Linux: more links than this are a circle. */
const MAX_LINKS = 40;

/** The beginning of a regular file, at most `maxBytes`; `undefined` when there is none of that name. Throws `ELOOP`, `EISDIR`, `EINVAL`. */
export function readTreeFile(root: string, path: string, maxBytes: number): TreeFile | undefined {
  const found = resolveInTree(root, path);
  if (found === undefined) return undefined;
  // A pipe does not make it wait.
  const fd = openSync(found, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw systemError('EISDIR', 'it is a directory');
    if (!stat.isFile()) throw systemError('EINVAL', 'it is not a regular file');
    const content = Buffer.alloc(Math.min(stat.size, maxBytes));
    let filled = 0;
    while (filled < content.length) {
      const count = readSync(fd, content, filled, content.length - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return { content: content.subarray(0, filled), total: stat.size };
  } finally {
    closeSync(fd);
  }
}

/** Names in a directory of the tree; none where there is no such directory. */
export function listTreeDirectory(root: string, path: string): readonly string[] {
  const found = resolveInTree(root, path);
  return found !== undefined && lstatSync(found).isDirectory() ? readdirSync(found) : [];
}

/** The place of a path with every link on the way followed inside the tree; `undefined` when there is nothing. */
function resolveInTree(root: string, path: string): string | undefined {
  const rest = path.split('/').reverse();
  let done: string[] = [];
  let links = 0;
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const at = join(root, ...done, part);
    let target: string | undefined;
    try {
      const stat = lstatSync(at);
      if (stat.isSymbolicLink()) target = readlinkSync(at);
      else if (rest.some((more) => more !== '' && more !== '.') && !stat.isDirectory()) return undefined;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return undefined;
      throw error;
    }
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw systemError('ELOOP', 'its links go in a circle');
    if (target.startsWith('/')) done = [];
    rest.push(...target.split('/').reverse());
  }
  return join(root, ...done);
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
