import { mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { canonicalJson } from '../llb/index.ts';
import type { LocalResult, OpResult } from '../llb/results.ts';
import type { NativeApi, TreeSelection } from '../native/types.ts';
import { type Digest, digestEncoded, digestOf, type RootMount } from '../oci/index.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import { suggest } from '../suggest.ts';
import { contextChanged, sourceMissing } from './errors.ts';
import type { ReadSelection } from './selections.ts';

/** Looks at the content of results, for keys. Serves one build. */
export interface ContentReader {
  /** Digest of parts of a tree. Throws `COPY_SOURCE_NOT_FOUND`. */
  digest(result: OpResult, selections: readonly ReadSelection[]): Promise<Digest>;
  /**
   * Throws `CONTEXT_CHANGED` when a directory's parts are not what they were when `digest` looked. A result in the store cannot
   * change.
   */
  verify(result: OpResult, selections: readonly ReadSelection[], cause?: unknown): Promise<void>;
}

/** Names the selections, for remembering their digest. */
export function selectorOf(selections: readonly ReadSelection[]): Digest {
  return digestOf(canonicalJson(selections));
}

export function createContentReader(
  native: Pick<NativeApi, 'hashTree'>,
  snapshotter: Pick<Snapshotter, 'view'>,
  statCacheDirectory: string,
): ContentReader {
  // One look at a directory after the other: each leaves its digests in the same file for the next, and uses all cores anyway.
  const looking = new Map<string, Promise<unknown>>();
  const hashDirectory = async (directory: string, selections: readonly TreeSelection[], ignore: string | undefined) => {
    const before = looking.get(directory);
    const look = async () => {
      await before?.catch(() => {});
      return native.hashTree({
        root: { lowers: [directory] },
        // What is mounted of it is a copy, whose top directory is made anew.
        selections: selections.map((selection) => ({ ...selection, includeRoot: false })),
        ...(ignore === undefined ? {} : { ignore }),
        // Whoever owns the files on this machine, in the image they are root's.
        includeOwner: false,
        statCachePath: join(statCacheDirectory, digestEncoded(digestOf(directory))),
      });
    };
    const answer = look();
    looking.set(directory, answer);
    return answer;
  };
  const hash = (result: OpResult, selections: readonly TreeSelection[], ignore: string | undefined) => {
    if (result.kind === 'snapshot') {
      return native.hashTree({ root: viewResult(snapshotter, result.name), selections, includeOwner: true });
    }
    if (result.isUnpacked) {
      const inside = selections.map((selection) => ({ ...selection, includeRoot: false }));
      return native.hashTree({ root: { lowers: [result.directory] }, selections: inside, includeOwner: true });
    }
    mkdirSync(statCacheDirectory, { recursive: true });
    return hashDirectory(result.directory, selections, ignore);
  };
  // Each solve looks at a directory through a result object of its own.
  const seen = new WeakMap<LocalResult, Map<Digest, Digest>>();

  return {
    async digest(result, selections) {
      const ignore = result.kind === 'local' ? result.ignore : undefined;
      const { digest, missing } = await hash(result, selections, ignore);
      for (const index of missing) {
        const selection = selections[index];
        if (selection === undefined || selection.mayBeMissing) continue;
        const ignored = ignore !== undefined && (await hash(result, [selection], undefined)).missing.length === 0;
        const suggestion = result.kind === 'local' ? suggestName(result, selection.path) : undefined;
        throw sourceMissing({ path: selection.path, ignored, suggestion });
      }
      if (result.kind === 'local') {
        const digests = seen.get(result) ?? new Map<Digest, Digest>();
        seen.set(result, digests.set(selectorOf(selections), digest));
      }
      return digest;
    },

    async verify(result, selections, cause) {
      if (result.kind === 'snapshot' || result.isUnpacked) return;
      const before = seen.get(result)?.get(selectorOf(selections));
      const { digest } = await hash(result, selections, result.ignore);
      if (digest !== before) throw contextChanged(result.directory, cause);
    },
  };
}

/** The read-only mount of a snapshot result; the empty tree has no layers at all. */
export function viewResult(snapshotter: Pick<Snapshotter, 'view'>, name: string | undefined): RootMount {
  return name === undefined ? { lowers: [] } : snapshotter.view(name);
}

/** A name in the same directory that is nearly the one that was asked for. */
function suggestName({ directory }: LocalResult, path: string): string | undefined {
  try {
    const found = suggest(basename(path), readdirSync(join(directory, dirname(path))));
    return found === undefined ? undefined : join(dirname(path), found);
  } catch {
    return undefined;
  }
}
