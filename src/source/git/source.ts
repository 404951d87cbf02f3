import type { NativeApi } from '../../native/types.ts';
import { type Digest, digestOf } from '../../oci/index.ts';
import type { ActiveSnapshot, Snapshotter } from '../../snapshot/snapshotter.ts';
import type { Store } from '../../store/index.ts';
import type { Source, SourceOptions } from '../types.ts';
import { checkOut, findSubdir, moveContents } from './checkout.ts';
import { type GitTree, readGitOp } from './git-op.ts';
import { openRepository } from './repository.ts';
import { type PinnedTree, pinCommit, pinRef } from './resolve.ts';
import { type GitSession, openSession, type SessionDependencies } from './session.ts';

export interface GitSourceDependencies extends SessionDependencies {
  readonly store: Pick<Store, 'paths' | 'lock'>;
  readonly snapshotter: Pick<Snapshotter, 'prepare' | 'stat'>;
  readonly native: Pick<NativeApi, 'removeTree'>;
}

/**
 * `git://…`: the tree of a commit. To resolve it is to ask the server what the ref leads to; the commit stands for the tree from then on,
 * wherever it comes from. The program `git` does the work, and sees nothing of the machine's settings.
 */
export function createGitSource(dependencies: GitSourceDependencies): Source {
  const { snapshotter } = dependencies;
  return {
    schemes: ['git'],
    async resolve(op, options) {
      const tree = readGitOp(op);
      const pinned =
        pinCommit(tree) ?? (await withSession(tree, dependencies, ({ git }) => pinRef(tree, git, options)));
      const digest = digestTree(tree, pinned);
      return {
        digest,
        cacheable: true,
        async fetch(fetchOptions) {
          if (snapshotter.stat(digest) !== undefined) return { kind: 'snapshot', name: digest };
          await withSession(tree, dependencies, (session) =>
            fetchTree(dependencies, session, { tree, pinned, digest }, fetchOptions),
          );
          return { kind: 'snapshot', name: digest };
        },
      };
    },
  };
}

interface Wanted {
  readonly tree: GitTree;
  readonly pinned: PinnedTree;
  /** Of the result, and its snapshot's name. */
  readonly digest: Digest;
}

/** Everything that tells one checkout from another. Where `.git` is kept, the names of ref and remote are in it. */
function digestTree(tree: GitTree, { commit, object, ref }: PinnedTree): Digest {
  const { subdir, submodules, mtime, remote } = tree;
  const keep = tree.keepGitDir && subdir === '.' ? [object, ref ?? null, remote] : [];
  return digestOf(JSON.stringify(['git', commit, subdir, submodules, mtime, ...keep]));
}

async function fetchTree(
  { store, native, snapshotter }: GitSourceDependencies,
  { git, directory: scratch }: GitSession,
  { tree, pinned, digest }: Wanted,
  options: SourceOptions,
): Promise<void> {
  const repository = await openRepository({ store, native }, git, tree, pinned, options);
  const opened: ActiveSnapshot[] = [];
  const prepare = async (): Promise<{ readonly active: ActiveSnapshot; readonly path: string }> => {
    const active = await snapshotter.prepare(undefined);
    opened.push(active);
    return { active, path: active.mount.upper ?? '' };
  };
  try {
    const whole = await prepare();
    await checkOut({ git, tree, pinned, repository, target: whole.path, scratch }, options);
    if (tree.subdir === '.') {
      await whole.active.commit(digest);
    } else {
      const part = await prepare();
      moveContents(findSubdir(tree, whole.path), part.path);
      await part.active.commit(digest);
    }
  } finally {
    repository.release();
    // Of what was committed nothing is left under its old name.
    await Promise.all(opened.map((active) => active.remove()));
  }
}

async function withSession<T>(
  tree: GitTree,
  dependencies: SessionDependencies,
  work: (session: GitSession) => Promise<T>,
): Promise<T> {
  const session = await openSession(tree, dependencies);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
