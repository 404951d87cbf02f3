import type { NativeApi, PackLayerResult } from '../native/types.ts';
import type { Compression, Digest } from '../oci/index.ts';
import { packFailed } from './errors.ts';
import type { Snapshotter } from './snapshotter.ts';

export interface DifferContext {
  readonly snapshotter: Snapshotter;
  readonly native: Pick<NativeApi, 'packLayer'>;
}

/** A snapshot as a layer: what its tar is called, uncompressed. */
export interface LayerDiff {
  readonly diffID: Digest;
  /** Bytes of the uncompressed tar. */
  readonly diffSize: number;
  /** The tar is empty: the snapshot equals its parent. */
  readonly empty: boolean;
}

/** A layer's tar as it was written. */
export interface PackedLayer extends LayerDiff {
  /** Bytes of its files, as in SnapshotFacts. */
  readonly contentSize: number;
  readonly digest: Digest;
  readonly size: number;
}

/** What the layer between a snapshot and its parent is; packed (only to be hashed) the first time, remembered then. */
export async function diffSnapshot(context: DifferContext, name: string): Promise<LayerDiff> {
  const known = context.snapshotter.stat(name);
  if (known?.diffID !== undefined && known.diffSize !== undefined)
    return { diffID: known.diffID, diffSize: known.diffSize, empty: known.emptyLayer === true };
  const { diffID, diffSize, empty } = await pack(context, name, { compression: 'none' });
  return { diffID, diffSize, empty };
}

/** Writes the layer between a snapshot and its parent to the file `output`. Equal trees give equal bytes. */
export async function packSnapshot(
  context: DifferContext,
  name: string,
  options: PackOptions & { readonly output: string },
): Promise<PackedLayer> {
  return await pack(context, name, options);
}

/** Writes all that leads from `base` (`undefined`: from nothing) to a snapshot as one layer: what came and went between is not in it. */
export async function packChanges(
  { snapshotter, native }: DifferContext,
  name: string,
  base: string | undefined,
  options: PackOptions & { readonly output: string },
): Promise<PackedLayer> {
  const packed = await native
    .packLayer({ ...snapshotter.changesSince(name, base), ...options })
    .catch((error: unknown) => {
      throw packFailed(name, error);
    });
  return toPackedLayer(packed);
}

interface PackOptions {
  readonly compression: Compression;
  readonly level?: number;
}

async function pack(
  { snapshotter, native }: DifferContext,
  name: string,
  options: PackOptions & { readonly output?: string },
): Promise<PackedLayer> {
  const packed = await native.packLayer({ ...snapshotter.changes(name), ...options }).catch((error: unknown) => {
    throw packFailed(name, error);
  });
  const layer = toPackedLayer(packed);
  const { diffID, diffSize, contentSize, empty } = layer;
  await snapshotter.annotate(name, { diffID, diffSize, contentSize, emptyLayer: empty });
  return layer;
}

function toPackedLayer({ diffID, diffSize, contentSize, digest, size, entries }: PackLayerResult): PackedLayer {
  return { diffID, diffSize, contentSize, empty: entries === 0, digest, size };
}
