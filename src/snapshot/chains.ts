import type { Digest } from '../oci/index.ts';
import type { Store } from '../store/index.ts';
import type { Snapshotter } from './snapshotter.ts';

/**
 * Which snapshot holds the tree of a stack of layers. The snapshot of a pulled layer is named by its chainID; one that a build
 * made has a name of its own, and its chainID is recorded here once its diffIDs are known.
 */
export interface Chains {
  /** The name of a whole snapshot with this content; `undefined` when there is none. */
  find(chainID: Digest): string | undefined;
  /** The same for a snapshot that is to be relied on: what is found is not collected before the store is closed. */
  claim(chainID: Digest): Promise<string | undefined>;
  record(chainID: Digest, snapshot: string): Promise<void>;
}

export function createChains(store: Pick<Store, 'table'>, snapshotter: Pick<Snapshotter, 'stat' | 'claim'>): Chains {
  const table = store.table<string>('chains');
  return {
    find(chainID) {
      if (snapshotter.stat(chainID) !== undefined) return chainID;
      const built = table.get(chainID);
      return built !== undefined && snapshotter.stat(built) !== undefined ? built : undefined;
    },
    async claim(chainID) {
      if ((await snapshotter.claim(chainID)) !== undefined) return chainID;
      const built = table.get(chainID);
      return built !== undefined && (await snapshotter.claim(built)) !== undefined ? built : undefined;
    },
    async record(chainID, snapshot) {
      if (snapshot !== chainID && table.get(chainID) !== snapshot) await table.put(chainID, snapshot);
    },
  };
}
