import { digestOf } from '../../oci/index.ts';
import type { Store, Table } from '../../store/index.ts';
import type { GitTree } from './git-op.ts';
import { isCommit } from './git-op.ts';
import type { PinnedTree } from './resolve.ts';

interface SeenRef {
  readonly commit: string;
  readonly object: string;
  readonly ref?: string;
}

/** What refs led to when a server was last asked: for builds without a network. No URL is kept, only the digest of one. */
export interface SeenRefs {
  recall(tree: GitTree): PinnedTree | undefined;
  record(tree: GitTree, pinned: PinnedTree): Promise<void>;
}

export function createSeenRefs(store: Pick<Store, 'table'>): SeenRefs {
  const table: Table<SeenRef> = store.table<SeenRef>('git-refs');
  const keyOf = ({ remote, ref }: GitTree): string => digestOf(JSON.stringify([remote, ref ?? null]));
  return {
    recall(tree) {
      const { checksum } = tree;
      const seen = table.get(keyOf(tree));
      // A checksum is the whole commit more often than not: then it does not matter when the ref was looked at.
      if (checksum !== undefined && isCommit(checksum) && seen?.commit !== checksum && seen?.object !== checksum)
        return { commit: checksum, object: checksum, ref: undefined };
      if (
        seen === undefined ||
        (checksum !== undefined && !seen.commit.startsWith(checksum) && !seen.object.startsWith(checksum))
      )
        return undefined;
      return { commit: seen.commit, object: seen.object, ref: seen.ref };
    },
    async record(tree, { commit, object, ref }) {
      const key = keyOf(tree);
      const seen = table.get(key);
      if (seen?.commit === commit && seen.object === object && seen.ref === ref) return;
      await table.put(key, { commit, object, ...(ref === undefined ? {} : { ref }) });
    },
  };
}
