import { mkdirSync } from 'node:fs';
import type { LocalResult } from '../llb/results.ts';
import type { HashTreeResult, HashTreesRequest, NativeApi, TreeMemo, TreeSelection } from '../native/types.ts';
import { statCachePath } from '../source/index.ts';
import { ownedByRoot } from './owners.ts';
import { type JobUser, watchJob } from './watch.ts';

/** Hashes parts of the user's directories. Serves one build. */
export interface DirectoryHasher {
  /**
   * As the directory was when it was first looked at through this result: it is walked once for all that read it. What is asked for in
   * one turn is one job, seen and ended by who asked first: a job for each of hundreds of steps costs more than their files.
   */
  hash(result: LocalResult, selections: readonly TreeSelection[], user: JobUser): Promise<HashTreeResult>;
  /** As it is now: nothing that was seen before counts. */
  hashAnew(result: LocalResult, selections: readonly TreeSelection[], user: JobUser): Promise<HashTreeResult>;
}

/** What is asked for before the job begins. */
interface Gathering {
  readonly parts: { readonly selections: readonly TreeSelection[] }[];
  readonly answers: Promise<readonly (HashTreeResult | Error)[]>;
}

/** @param lists where a list of what was hashed is kept */
export function createDirectoryHasher(
  native: Pick<NativeApi, 'createWatch' | 'createTreeMemo' | 'hashTrees'>,
  statCacheDirectory: string,
  lists: { readonly listDirectory?: string },
): DirectoryHasher {
  // One look at a directory after the other: each leaves its digests in the same file for the next, and uses all cores anyway.
  const looking = new Map<string, Promise<unknown>>();
  const memos = new WeakMap<LocalResult, TreeMemo>();
  const gatherings = new WeakMap<LocalResult, Gathering>();

  const look = (
    result: LocalResult,
    { signal, onBytes }: JobUser,
    memo: TreeMemo | undefined,
    begin: () => HashTreesRequest['parts'],
  ) => {
    const { directory, ignore, isUnpacked = false, gitModes = false } = result;
    const before = looking.get(directory);
    const answers = (async () => {
      await Promise.all([before?.catch(() => {}), new Promise((resolve) => setImmediate(resolve))]);
      mkdirSync(statCacheDirectory, { recursive: true });
      const request = {
        root: { lowers: [directory] },
        parts: begin(),
        ...(ignore === undefined ? {} : { ignore }),
        includeOwner: !ownedByRoot(result),
        gitModes,
        // What was made for this build no other will look at.
        ...(isUnpacked ? {} : { statCachePath: statCachePath(statCacheDirectory, directory) }),
        ...(memo === undefined ? {} : { memo }),
        ...lists,
      };
      return watchJob(native, { signal, ...(onBytes && { onBytes }) }, (watch) =>
        native.hashTrees({ ...request, watch }),
      );
    })();
    looking.set(directory, answers);
    return answers;
  };

  return {
    async hash(result, selections, user) {
      let gathering = gatherings.get(result);
      if (gathering === undefined) {
        const memo = memos.get(result) ?? native.createTreeMemo();
        memos.set(result, memo);
        const parts: Gathering['parts'] = [];
        const answers = look(result, user, memo, () => {
          gatherings.delete(result);
          return parts;
        });
        gathering = { parts, answers };
        gatherings.set(result, gathering);
      }
      const index = gathering.parts.push(partOf(selections)) - 1;
      return pick(await gathering.answers, index);
    },

    async hashAnew(result, selections, user) {
      return pick(await look(result, user, undefined, () => [partOf(selections)]), 0);
    },
  };
}

/** What is mounted of a directory is a copy, whose top directory is made anew. */
function partOf(selections: readonly TreeSelection[]): Gathering['parts'][number] {
  return { selections: selections.map((selection) => ({ ...selection, includeRoot: false })) };
}

function pick(answers: readonly (HashTreeResult | Error)[], index: number): HashTreeResult {
  const answer = answers[index];
  if (answer === undefined || answer instanceof Error) throw answer;
  return answer;
}
