import { canonicalJson } from '../llb/index.ts';
import type { LocalResult, PresentResult } from '../llb/results.ts';
import type { NativeApi, TreeSelection } from '../native/types.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import { createDirectoryHasher } from './directory-hasher.ts';
import { contextChanged, describeNothing, sourceMissing } from './errors.ts';
import { explainMissing, findIgnored, findIgnoredContent } from './missing.ts';
import { findFixedPart, type ReadSelection } from './selections.ts';
import { viewResult } from './view.ts';
import { type JobUser, watchJob } from './watch.ts';

/** Looks at the content of results, for keys. Serves one build. */
export interface ContentReader {
  /** Digest of parts of a tree. Throws `COPY_SOURCE_NOT_FOUND`. */
  digest(result: PresentResult, selections: readonly ReadSelection[], user: ContentUser): Promise<Digest>;
  /**
   * Throws `CONTEXT_CHANGED` when a directory's parts are not what they were when `digest` looked. A result in the store cannot
   * change.
   */
  verify(
    result: PresentResult,
    selections: readonly ReadSelection[],
    user: Pick<JobUser, 'signal'>,
    cause?: unknown,
  ): Promise<void>;
}

/** Who looks, for what is to be said of it. */
export interface ContentUser extends JobUser {
  /** What the tree is, where that is no matter of course: `stage "build"`. */
  readonly treeName?: string | undefined;
  /** Takes what is odd but no error. */
  readonly warn?: (message: string) => void;
}

const selectors = new WeakMap<readonly ReadSelection[], Digest>();

/** Names the selections, for remembering their digest. It is asked for several times of each. */
export function selectorOf(selections: readonly ReadSelection[]): Digest {
  const known = selectors.get(selections);
  if (known !== undefined) return known;
  const selector = digestOf(canonicalJson(selections));
  selectors.set(selections, selector);
  return selector;
}

export function createContentReader(
  native: Pick<NativeApi, 'createWatch' | 'createTreeMemo' | 'hashTree' | 'hashTrees' | 'findPaths' | 'listTree'>,
  snapshotter: Pick<Snapshotter, 'view'>,
  statCacheDirectory: string,
  listDirectory: string | undefined,
): ContentReader {
  // What was hashed is kept as a list: it tells later which file made a digest another one.
  const lists = listDirectory === undefined ? {} : { listDirectory };
  const directories = createDirectoryHasher(native, statCacheDirectory, lists);
  const hash = (result: PresentResult, selections: readonly TreeSelection[], user: JobUser) => {
    if (result.kind === 'local') return directories.hash(result, selections, user);
    const root = viewResult(snapshotter, result.name);
    // It came from nowhere: it is here, and nothing is transferred.
    return watchJob(native, { signal: user.signal }, (watch) =>
      native.hashTree({ root, selections, includeOwner: true, ...lists, watch }),
    );
  };
  /** BuildKit copies nothing then, and says nothing; who wrote the step meant something. */
  const warnIgnored = async (
    local: LocalResult,
    selections: readonly ReadSelection[],
    warn: (text: string) => void,
  ) => {
    for (const selection of selections) {
      const ignored =
        (await findIgnored(native, local, selection)) ?? (await findIgnoredContent(native, local, selection.path));
      if (ignored !== undefined) warn(describeNothing(selection.path, ignored));
    }
  };
  /** A pattern may match nothing, but where it begins to look has to be there. */
  const missingDirectory = async (
    result: PresentResult,
    pattern: string,
    ignore: string | undefined,
  ): Promise<ReadSelection | undefined> => {
    const path = findFixedPart(pattern);
    const root = result.kind === 'local' ? { lowers: [result.directory] } : viewResult(snapshotter, result.name);
    const query = { path, wildcard: false, followSymlinks: true };
    const found = await native.findPaths({ root, ...query, ...(ignore === undefined ? {} : { ignore }) });
    return found === '' ? { ...query, mayBeMissing: false } : undefined;
  };
  // Each solve looks at a directory through a result object of its own.
  const seen = new WeakMap<LocalResult, Map<Digest, Digest>>();

  return {
    async digest(result, selections, user) {
      const { treeName, warn } = user;
      const ignore = result.kind === 'local' ? result.ignore : undefined;
      const { digest, files, missing } = await hash(result, selections, user);
      for (const index of missing) {
        const selection = selections[index];
        if (selection === undefined) continue;
        const missed = selection.mayBeMissing ? await missingDirectory(result, selection.path, ignore) : selection;
        if (missed === undefined) continue;
        const reason = await explainMissing(native, snapshotter, result, missed);
        throw sourceMissing(missed.required ?? missed.path, treeName, reason);
      }
      if (files === 0 && ignore && result.kind === 'local' && warn !== undefined)
        await warnIgnored(result, selections, warn);
      if (result.kind === 'local') {
        const digests = seen.get(result) ?? new Map<Digest, Digest>();
        seen.set(result, digests.set(selectorOf(selections), digest));
      }
      return digest;
    },

    async verify(result, selections, { signal }, cause) {
      if (result.kind === 'snapshot' || result.isUnpacked) return;
      const before = seen.get(result)?.get(selectorOf(selections));
      const { digest } = await directories.hashAnew(result, selections, { signal });
      if (digest !== before) throw contextChanged(result.directory, cause);
    },
  };
}
