import type { ContentStore } from '../content/index.ts';
import type { NativeApi } from '../native/types.ts';
import type { Chains } from '../snapshot/chains.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import type { Store } from '../store/index.ts';

/** What the upkeep of a store works with. */
export interface UpkeepContext {
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
}

export type UpkeepNative = Pick<
  NativeApi,
  'measureTree' | 'measureTrees' | 'removeTree' | 'hashFiles' | 'packLayer' | 'createWatch' | 'checkTables'
>;

/** What lies in a store. `store` is what the store itself needs: tables, locks, index.json, directories. */
export type UsageKind =
  | 'snapshot'
  /** Of which no record can be trusted. */
  | 'lost-snapshot'
  | 'blob'
  | 'cache-mount'
  | 'git'
  | 'stat-cache'
  | 'builds'
  | 'leftover'
  | 'stray'
  | 'store';

/** The types of BuildKit's usage records, by which filters tell them apart. */
export const USAGE_TYPES = [
  'internal',
  'frontend',
  'source.local',
  'source.git.checkout',
  'exec.cachemount',
  'regular',
] as const;
export type UsageType = (typeof USAGE_TYPES)[number];

/** One thing in a store that takes room of its own. */
export interface UsageItem {
  /** Snapshot name, blob digest, cache mount name; of other things the path from the root. */
  readonly id: string;
  readonly kind: UsageKind;
  readonly type: UsageType;
  readonly path: string;
  /** On disk, as du(1) counts. */
  readonly bytes: number;
  readonly files: number;
  /** IDs of the snapshots that it stands on or has its files from. */
  readonly parents: readonly string[];
  readonly description: string;
  readonly createdMs: number | undefined;
  readonly lastUsedMs: number | undefined;
  /** Cache records that lead to it. */
  readonly usageCount: number;
  /** A process that runs holds it, or something that stands on it. */
  readonly inUse: boolean;
  readonly mutable: boolean;
  /** An image of the store has it too. */
  readonly shared: boolean;
  /** Neither in use nor needed by an image: a prune may remove it. */
  readonly reclaimable: boolean;
}

/** What a store takes on disk. The items' bytes add up to what `du -s` says of its root. */
export interface Usage {
  readonly root: string;
  readonly items: readonly UsageItem[];
  readonly totalBytes: number;
  readonly reclaimableBytes: number;
  readonly sharedBytes: number;
}
