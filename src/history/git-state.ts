import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { GitState } from './types.ts';

const MAX_BYTES = 4096;
const MAX_PACKED_BYTES = 4 * 1024 * 1024;
const MAX_LEVELS = 32;
const HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The git work tree that a directory lies in, and what is checked out: read from git's own files (gitrepository-layout(5)), without the
 * program. `undefined` where there is none. Whether files were changed since is not looked at.
 */
export function readGitState(directory: string): GitState | undefined {
  let root = resolve(directory);
  for (let level = 0; level < MAX_LEVELS; level++) {
    const gitDirectory = findGitDirectory(root);
    if (gitDirectory !== undefined) return { root, ...readHead(gitDirectory) };
    const parent = dirname(root);
    if (parent === root) return undefined;
    root = parent;
  }
  return undefined;
}

/** `.git` is the directory itself, or a file that names it (worktrees and submodules). */
function findGitDirectory(root: string): string | undefined {
  const own = join(root, '.git');
  if (readStart(join(own, 'HEAD')) !== undefined) return own;
  const named = /^gitdir: (.+)$/m.exec(readStart(own) ?? '')?.[1];
  return named === undefined ? undefined : resolve(root, named);
}

function readHead(directory: string): Pick<GitState, 'revision' | 'branch'> {
  const head = readStart(join(directory, 'HEAD'))?.trim() ?? '';
  if (HASH.test(head)) return { revision: head };
  const ref = /^ref: (refs\/[^\0]+)$/.exec(head)?.[1];
  if (ref === undefined || ref.includes('..')) return {};
  // A worktree shares its branches with the repository that it belongs to.
  const common = readStart(join(directory, 'commondir'))?.trim();
  const repository = common === undefined ? directory : resolve(directory, common);
  const loose = readStart(join(repository, ref))?.trim() ?? '';
  const revision = HASH.test(loose) ? loose : findPacked(join(repository, 'packed-refs'), ref);
  const branch = ref.startsWith('refs/heads/') ? { branch: ref.slice('refs/heads/'.length) } : {};
  return { ...branch, ...(revision === undefined ? {} : { revision }) };
}

function findPacked(path: string, ref: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > MAX_PACKED_BYTES) return undefined;
    const line = text.split('\n').find((candidate) => candidate.endsWith(` ${ref}`));
    const hash = line?.slice(0, -ref.length - 1) ?? '';
    return HASH.test(hash) ? hash : undefined;
  } catch {
    return undefined;
  }
}

function readStart(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const buffer = Buffer.alloc(MAX_BYTES);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, MAX_BYTES, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
