import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeApi } from '../../native/types.ts';
import { pollLock, type Store } from '../../store/index.ts';
import type { SourceOptions } from '../types.ts';
import { commitNotFound } from './errors.ts';
import type { GitTree } from './git-op.ts';
import { GitFailure, type GitProgram } from './program.ts';
import type { PinnedTree } from './resolve.ts';

/** Objects of one remote that builds have fetched so far: a bare repository in the store, alone in our hands. */
export interface Repository {
  /** Its git directory. */
  readonly path: string;
  release(): void;
}

type Dependencies = { readonly store: Pick<Store, 'paths' | 'lock'>; readonly native: Pick<NativeApi, 'removeTree'> };

/** Opens the repository of a remote and sees to it that a commit is in it, whole. Other processes wait. */
export async function openRepository(
  { store, native }: Dependencies,
  git: GitProgram,
  tree: GitTree,
  pinned: PinnedTree,
  options: SourceOptions,
): Promise<Repository> {
  const { format, key } = placeOf(tree, pinned);
  const lock = await pollLock(() => store.lock(`git-${key}`, { exclusive: true, wait: false }), options.signal);
  const path = join(store.paths.git, key);
  const fill = async (): Promise<void> => {
    if (!existsSync(path)) await create(git, path, format, options);
    await fetchCommit(git, path, tree, pinned, options);
  };
  try {
    await fill().catch(async (error: unknown) => {
      // Half-done work of a process that was killed, or damage: nothing is lost but time.
      if (
        !(error instanceof GitFailure) ||
        !/\.lock'|cannot lock ref|corrupt|bad object|not a git repository: '\//.test(error.said)
      )
        throw error;
      await native.removeTree(path);
      await fill();
    });
    return { path, release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Whether builds have fetched a commit so far. A loose look: only git can tell whether all that it leads to is there. */
export async function hasCommit(
  { store }: Pick<Dependencies, 'store'>,
  tree: GitTree,
  pinned: PinnedTree,
): Promise<boolean> {
  return existsSync(join(store.paths.git, placeOf(tree, pinned).key, 'refs/tsbuild', pinned.object));
}

function placeOf({ remote }: GitTree, { commit }: PinnedTree): { readonly format: string; readonly key: string } {
  const format = commit.length === 64 ? 'sha256' : 'sha1';
  return { format, key: createHash('sha256').update(`${format} ${remote}`).digest('hex').slice(0, 40) };
}

async function create(git: GitProgram, path: string, format: string, options: SourceOptions): Promise<void> {
  const half = `${path}.new`;
  mkdirSync(half, { recursive: true });
  const init = ['init', '--quiet', '--bare', `--object-format=${format}`];
  await git.run(init, { what: 'make a repository for', gitDir: half, cwd: half, ...options });
  renameSync(half, path);
}

/** Ways to come by a commit, the cheapest first: what a server does not know or allow, it says. */
async function fetchCommit(
  git: GitProgram,
  gitDir: string,
  { remote }: GitTree,
  { object, commit, ref }: PinnedTree,
  options: SourceOptions,
): Promise<void> {
  const has = async (name: string): Promise<boolean> =>
    git.run(['cat-file', '-e', `${name}^{tree}`], { what: 'look into', gitDir, signal: options.signal }).then(
      () => true,
      (error: unknown) => {
        options.signal.throwIfAborted();
        if (error instanceof GitFailure) return false;
        throw error;
      },
    );
  if ((await has(object)) && (await has(commit))) return;
  const fetch = async (...args: readonly string[]): Promise<void> => {
    await git.run(['fetch', '--progress', '--no-tags', '--force', ...args], {
      what: 'fetch',
      gitDir,
      remote: true,
      ...options,
    });
  };
  // A ref of its own keeps the objects from being taken for garbage.
  const own = `refs/tsbuild/${object}`;
  const all = ['+refs/heads/*:refs/remote/heads/*', '+refs/tags/*:refs/remote/tags/*'];
  const deepen = existsSync(join(gitDir, 'shallow')) ? ['--unshallow'] : [];
  const ways: readonly (readonly string[])[] = [
    ['--depth=1', '--', remote, `${object}:${own}`],
    ...(ref === undefined ? [] : [['--depth=1', '--', remote, `${ref}:${own}`]]),
    ['--', remote, ...all],
    ...(deepen.length === 0 ? [] : [[...deepen, '--', remote, ...all]]),
  ];
  for (const [index, way] of ways.entries()) {
    try {
      await fetch(...way);
      if (await has(commit)) return;
    } catch (error) {
      const last = index === ways.length - 1;
      if (
        last ||
        !(error instanceof GitFailure) ||
        !/not our ref|unadvertised|--depth|shallow|couldn't find remote ref/.test(error.said)
      )
        throw error;
    }
  }
  throw commitNotFound(remote, commit);
}
