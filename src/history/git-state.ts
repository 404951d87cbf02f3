import { dirname, join, resolve } from 'node:path';
import { readWhole } from '../whole-files.ts';
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
  if (readText(join(own, 'HEAD')) !== undefined) return own;
  const named = /^gitdir: (.+)$/m.exec(readText(own) ?? '')?.[1];
  return named === undefined ? undefined : resolve(root, named);
}

function readHead(directory: string): Pick<GitState, 'revision' | 'branch'> {
  const head = readText(join(directory, 'HEAD'))?.trim() ?? '';
  if (HASH.test(head)) return { revision: head };
  const ref = /^ref: (refs\/[^\0]+)$/.exec(head)?.[1];
  if (ref === undefined || ref.includes('..')) return {};
  // A worktree shares its branches with the repository that it belongs to.
  const common = readText(join(directory, 'commondir'))?.trim();
  const repository = common === undefined ? directory : resolve(directory, common);
  const loose = readText(join(repository, ref))?.trim() ?? '';
  const revision = HASH.test(loose) ? loose : findPacked(join(repository, 'packed-refs'), ref);
  const branch = ref.startsWith('refs/heads/') ? { branch: ref.slice('refs/heads/'.length) } : {};
  return { ...branch, ...(revision === undefined ? {} : { revision }) };
}

function findPacked(path: string, ref: string): string | undefined {
  const line = readText(path, MAX_PACKED_BYTES)
    ?.split('\n')
    .find((candidate) => candidate.endsWith(` ${ref}`));
  const hash = line?.slice(0, -ref.length - 1) ?? '';
  return HASH.test(hash) ? hash : undefined;
}

function readText(path: string, maxBytes = MAX_BYTES): string | undefined {
  return readWhole(path, maxBytes)?.toString('utf8');
}
