import { existsSync, lstatSync, lutimesSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceOptions } from '../types.ts';
import { subdirMissing } from './errors.ts';
import type { GitTree } from './git-op.ts';
import type { GitProgram } from './program.ts';
import type { Repository } from './repository.ts';
import type { PinnedTree } from './resolve.ts';

export interface Checkout {
  readonly git: GitProgram;
  readonly tree: GitTree;
  readonly pinned: PinnedTree;
  readonly repository: Repository;
  /** An empty directory that takes the files. */
  readonly target: string;
  /** For what is thrown away afterwards. */
  readonly scratch: string;
}

/** Writes the files of a commit, submodules included. Owners are ours, modes those of an umask of 022. */
export async function checkOut(checkout: Checkout, options: SourceOptions): Promise<void> {
  const { git, tree, pinned, target } = checkout;
  const keep = tree.keepGitDir && tree.subdir === '.';
  const gitDir = keep ? await cloneInto(checkout, options) : await borrowObjects(checkout, options);
  const local = { gitDir, workTree: target, cwd: target, ...options };
  if (!keep) await git.run(['read-tree', '--reset', '-u', pinned.commit], { what: 'check out', ...local });
  if (tree.submodules && existsSync(join(target, '.gitmodules'))) {
    await git.run(['submodule', 'update', '--init', '--recursive', '--depth=1'], {
      what: 'fetch the submodules of',
      remote: true,
      ...local,
    });
    // Files that lead to where the submodules' repositories lay.
    if (!keep) removeLinks(target);
  }
  if (tree.mtime === 'commit') {
    const text = await git.run(['cat-file', 'commit', pinned.commit], { what: 'read', ...local });
    setTimes(target, Number(/^committer .* (\d+) [+-]\d+$/m.exec(text)?.[1] ?? 0));
  }
}

/** A git directory for this one checkout: its index and submodules leave no trace in the repository whose objects it reads. */
async function borrowObjects(
  { git, tree, pinned, repository, scratch }: Checkout,
  options: SourceOptions,
): Promise<string> {
  const gitDir = join(scratch, 'checkout');
  mkdirSync(gitDir);
  const init = ['init', '--quiet', '--bare', `--object-format=${formatOf(pinned)}`];
  await git.run(init, { what: 'make a repository for', gitDir, cwd: gitDir, ...options });
  writeFileSync(join(gitDir, 'objects/info/alternates'), `${join(repository.path, 'objects')}\n`);
  // Submodules may be named relative to it.
  await git.run(['config', 'remote.origin.url', tree.remote], { what: 'prepare', gitDir, ...options });
  return gitDir;
}

/** `.git` in the target itself, with the one commit and the ref that led to it, and `origin` as if it had been cloned. */
async function cloneInto({ git, tree, pinned, repository, target }: Checkout, options: SourceOptions): Promise<string> {
  const gitDir = join(target, '.git');
  const local = { gitDir, workTree: target, cwd: target, ...options };
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> =>
    git.run(args, { what: 'check out', ...local, env });
  await run(['init', '--quiet', `--object-format=${formatOf(pinned)}`]);
  await run(['remote', 'add', 'origin', tree.remote]);
  // Over file://, which copies: a local clone would share files with the store.
  await run(
    [
      'fetch',
      '--quiet',
      '--no-tags',
      '--update-head-ok',
      '--depth=1',
      `file://${repository.path}`,
      `${pinned.object}:${pinned.ref ?? ''}`,
    ],
    { GIT_ALLOW_PROTOCOL: 'file' },
  );
  await run(['checkout', '--quiet', '--detach', pinned.commit]);
  // Where it was fetched from is nobody's business but ours.
  await run(['reflog', 'expire', '--all', '--expire=now']);
  rmSync(join(gitDir, 'FETCH_HEAD'), { force: true });
  return gitDir;
}

/**
 * The directory that is meant, inside of a checkout. As in BuildKit every part of the path is a directory of the repository itself, so that
 * no symlink of it leads to the files of the machine. Throws `GIT_SUBDIR_INVALID`.
 */
export function findSubdir(tree: GitTree, root: string): string {
  let path = root;
  for (const name of tree.subdir.split('/')) {
    path = join(path, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw subdirMissing(tree, 'is not in it');
    if (!stat.isDirectory()) throw subdirMissing(tree, `leads through ${name}, which is not a directory`);
  }
  return path;
}

/** Moves what is in a directory to another one on the same file system. */
export function moveContents(from: string, to: string): void {
  for (const name of readdirSync(from)) renameSync(join(from, name), join(to, name));
}

/** Removes every `.git`: no commit can hold a file of that name. */
function removeLinks(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.name === '.git') rmSync(path, { recursive: true, force: true });
    else if (entry.isDirectory()) removeLinks(path);
  }
}

/** Everything in the tree but `.git` gets one time, directories after what is in them. */
function setTimes(directory: string, seconds: number): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.name === '.git') continue;
    if (entry.isDirectory()) setTimes(path, seconds);
    else lutimesSync(path, seconds, seconds);
  }
  lutimesSync(directory, seconds, seconds);
}

function formatOf({ commit }: PinnedTree): string {
  return commit.length === 64 ? 'sha256' : 'sha1';
}
