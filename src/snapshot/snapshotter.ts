import type { RootMount } from '../oci/index.ts';

/**
 * Snapshots: file trees that grow in layers. The life of one:
 *
 *  1. `prepare(parent)` makes an *active* snapshot on top of a committed one (or on nothing) and gives its `key`.
 *  2. `mounts(key)` says, as data, how to mount it. Somebody writes into it.
 *  3. `commit(key)` freezes it: from now on it is immutable, has a `name`, and may be a parent. Or `remove(key)`.
 *
 * `view(name)` mounts a committed snapshot read-only; it needs no record of its own. An active snapshot belongs to the
 * process that made it; when that process is gone, the snapshot is swept.
 */
export interface Snapshotter {
  prepare(parent: string | undefined): Promise<ActiveSnapshot>;
  /**
   * A committed snapshot with the changes that another one makes, on a parent of its own. Nothing of either is read or copied, and its
   * layer is the other's to the byte. Asked twice it is the same one. Throws `SNAPSHOT_NOT_FOUND`.
   */
  link(parent: string, layer: string): Promise<SnapshotInfo>;
  /** The read-only mount of a committed snapshot; throws `SNAPSHOT_NOT_FOUND`. */
  view(name: string): RootMount;
  /** Where the changes lie that a committed snapshot makes on its parent; throws `SNAPSHOT_NOT_FOUND`. */
  changes(name: string): SnapshotChanges;
  /** Where all changes lie that lead from `base` (one of those below; `undefined` for nothing at all) to a committed snapshot. */
  changesSince(name: string, base: string | undefined): SnapshotChanges;
  /** Facts about a committed snapshot; `undefined` when there is none, or its directory is gone. */
  stat(name: string): SnapshotInfo | undefined;
  /** The same for a snapshot that is to be relied on: what is found is not collected before the store is closed. */
  claim(name: string): Promise<SnapshotInfo | undefined>;
  /** Records computed facts (a diffID, say) on a committed snapshot. */
  annotate(name: string, facts: SnapshotFacts): Promise<void>;
  /** Names from the bottom layer to `name` itself. */
  chain(name: string): readonly string[];
  /** All committed snapshots. */
  list(): readonly SnapshotInfo[];
  /**
   * Takes committed snapshots out of the store at once; what is returned deletes their trees. With each, all that stands on it or
   * borrows its changes has to go: throws `SNAPSHOT_IN_USE` otherwise. For collectors (see `Store.collect`).
   */
  retire(names: readonly string[]): Promise<RemoveTrees>;
  /** Ends the active snapshots of processes that are gone. */
  sweep(): Promise<void>;
}

/** Deletes what was taken out of the store. What an abort leaves is swept when this process is gone. */
export type RemoveTrees = (signal?: AbortSignal) => Promise<void>;

/** Directories in overlay form, topmost first. */
export interface SnapshotChanges {
  readonly upper: string;
  /** What `upper` stands on and what belongs to the changes too. */
  readonly moreUppers: readonly string[];
  /** The tree that is changed. */
  readonly lowers: readonly string[];
}

export interface ActiveSnapshot {
  readonly key: string;
  readonly mount: RootMount;
  /**
   * Freezes the tree under `name` (random when absent; an existing `name` wins and this one is dropped). A layer that was unpacked
   * on nothing, before what it stands on was there, gets its parent here.
   */
  commit(name?: string, late?: LateParent): Promise<SnapshotInfo>;
  /** Drops it. Never throws for a snapshot that is already gone. */
  remove(): Promise<void>;
}

/** What a snapshot stands on, when that is known only after its tree was made. */
export interface LateParent {
  readonly parent: string;
  /** The tree says itself what its root directory is like; otherwise it takes over owner and mode from the parent's. */
  readonly keepsRoot: boolean;
}

export interface SnapshotInfo extends SnapshotFacts {
  readonly name: string;
  readonly parent: string | undefined;
  /** The snapshot whose changes these are, when it was linked. */
  readonly changesOf?: string;
  readonly createdMs: number;
}

/** What may be learnt about a committed snapshot after the fact. */
export interface SnapshotFacts {
  /** Digest of the uncompressed layer tar that turns the parent into this snapshot. */
  readonly diffID?: `${string}:${string}`;
  /** Bytes of that tar. */
  readonly diffSize?: number;
  /**
   * Bytes of the layer's files, each once whatever its number of names, and of its symlinks' targets: what docker calls a layer's
   * size. Absent where the layer was last measured by a version that did not count it.
   */
  readonly contentSize?: number;
  /** The layer is an empty tar: the snapshot equals its parent. */
  readonly emptyLayer?: boolean;
}
