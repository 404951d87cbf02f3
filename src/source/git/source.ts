import { TsbuildError } from '../../errors.ts';
import { type GitPin, gitName, lockUnavailable, type Pins } from '../../lockfile/index.ts';
import type { NativeApi } from '../../native/types.ts';
import { type Digest, digestOf } from '../../oci/index.ts';
import type { ActiveSnapshot, Snapshotter } from '../../snapshot/snapshotter.ts';
import type { Store } from '../../store/index.ts';
import type { Source, SourceOptions } from '../types.ts';
import { checkOut, findSubdir, moveContents } from './checkout.ts';
import { type GitTree, readGitOp } from './git-op.ts';
import { hasCommit, openRepository } from './repository.ts';
import { type PinnedTree, pinCommit, pinLocked, pinRef } from './resolve.ts';
import { createSeenRefs } from './seen-refs.ts';
import { type GitSession, openSession, type SessionDependencies } from './session.ts';

export interface GitSourceDependencies extends SessionDependencies {
  readonly store: Pick<Store, 'paths' | 'lock' | 'table'>;
  readonly snapshotter: Pick<Snapshotter, 'prepare' | 'stat' | 'claim'>;
  readonly native: Pick<NativeApi, 'removeTree'>;
  /** Of a lock file: refs that are not looked up. */
  readonly pins?: Pins | undefined;
}

/**
 * `git://…`: the tree of a commit. To resolve it is to ask the server what the ref leads to; the commit stands for the tree from then on,
 * wherever it comes from. The program `git` does the work, and sees nothing of the machine's settings.
 */
export function createGitSource(dependencies: GitSourceDependencies): Source {
  const { snapshotter, network, pins, store } = dependencies;
  const seen = createSeenRefs(store);

  /** Without a network a ref is what it was when a server was last asked. */
  const lookUp = async (tree: GitTree, options: SourceOptions): Promise<PinnedTree> => {
    if (network.offline) {
      const known = seen.recall(tree);
      if (known === undefined) network.admit({ kind: 'git', name: gitName(tree.remote, tree.ref) });
      else {
        options.onLog?.(Buffer.from(`offline: ${tree.ref ?? 'HEAD'} is taken to be ${known.commit}, as last seen\n`));
        return known;
      }
    }
    const pinned = await withSession(tree, dependencies, ({ git }) => pinRef(tree, git, options));
    await seen.record(tree, pinned);
    return pinned;
  };

  return {
    schemes: ['git'],
    async resolve(op, options) {
      const tree = readGitOp(op);
      const exact = pinCommit(tree);
      const locked = exact === undefined ? pins?.git(tree.remote, tree.ref) : undefined;
      const pinned = exact ?? (locked && pinLocked(tree, locked)) ?? (await lookUp(tree, options));
      const digest = digestTree(tree, pinned);
      const name = gitName(tree.remote, tree.ref);
      return {
        digest,
        cacheable: true,
        async fetch(fetchOptions) {
          if ((await snapshotter.claim(digest)) !== undefined) return { kind: 'snapshot', name: digest };
          const work = withSession(tree, dependencies, (session) =>
            fetchTree(dependencies, session, { tree, pinned, digest }, fetchOptions),
          );
          await work.catch((error: unknown) => {
            const isGone = locked !== undefined && error instanceof TsbuildError && error.code === 'GIT_REF_NOT_FOUND';
            throw isGone ? lockUnavailable(name, locked.commit, error) : error;
          });
          // For a build that is not locked, and has no network.
          if (locked !== undefined && seen.recall(tree) === undefined) await seen.record(tree, pinned);
          return { kind: 'snapshot', name: digest };
        },
        isHere: async () => snapshotter.stat(digest) !== undefined || (await hasCommit(dependencies, tree, pinned)),
        ...(exact === undefined ? { pin: { kind: 'git', name, pin: toPin(pinned) } } : {}),
        commit: { commit: pinned.commit, ...(pinned.ref === undefined ? {} : { ref: pinned.ref }) },
      };
    },
  };
}

function toPin({ commit, object, ref }: PinnedTree): GitPin {
  return { commit, ...(ref === undefined ? {} : { ref }), ...(object === commit ? {} : { tag: object }) };
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
