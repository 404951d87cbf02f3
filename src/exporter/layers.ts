import { availableParallelism } from 'node:os';
import type { LayerBlob } from '../content/index.ts';
import { mapConcurrently } from '../images/concurrency.ts';
import type { LayersResult, SnapshotResult, TreeResult } from '../llb/results.ts';
import { type Compression, chainIDs, type Descriptor, type Digest, type HistoryEntry } from '../oci/index.ts';
import { diffSnapshot } from '../snapshot/differ.ts';
import { squashHistory } from './history.ts';
import type { AssembledImage, BuiltTree, ExportContext } from './types.ts';

export type LayerContext = Pick<
  ExportContext,
  'images' | 'trees' | 'snapshotter' | 'chains' | 'native' | 'squash' | 'signal' | 'onTask'
>;

/** Layers packed at once; each uses several cores of its own. */
const MAX_PARALLEL_PACKS = 3;

/** An image's layers, bottom first, and the history that speaks of them. */
export interface ImageLayers extends Layers {
  readonly history: readonly HistoryEntry[];
}

interface Layers {
  readonly diffIDs: readonly Digest[];
  readonly createdMs: readonly number[];
  readonly listed: AssembledImage['listed'];
}

/** The layers of the tree; with `squash` one for all that are above the base's, where they are several. */
export async function describeLayers(
  built: BuiltTree,
  context: LayerContext,
  compression: Compression | undefined,
): Promise<ImageLayers> {
  if (context.squash) return squashLayers(built, context, compression);
  return { ...(await describeTree(built.tree, context, compression)), history: built.history };
}

async function squashLayers(
  built: BuiltTree,
  context: LayerContext,
  compression: Compression | undefined,
): Promise<ImageLayers> {
  const { signal, snapshotter, onTask } = context;
  const below = built.baseConfig?.rootfs.diff_ids.length ?? 0;
  const top = await context.trees.snapshotOf(built.tree, { signal, onTask });
  const names = top === undefined ? [] : snapshotter.chain(top);
  if (top === undefined || names.length <= below + 1)
    return { ...(await describeSnapshots(names, context, compression)), history: built.history };
  const kept = names.slice(0, below);
  const { diffIDs, listed } = await describeSnapshots(kept, context, compression);
  const createdMs = names.map((name) => snapshotter.stat(name)?.createdMs ?? 0);
  signal?.throwIfAborted();
  onTask?.('squashing layers', 0, 0);
  const squashed = await context.images.packSquashed(top, kept.at(-1), {
    ...(compression === undefined ? {} : { compression }),
    signal,
  });
  onTask?.('squashing layers', 0, 0, true);
  return {
    diffIDs: [...diffIDs, squashed.diffID],
    createdMs: [...createdMs.slice(0, below), Math.max(...createdMs.slice(below))],
    listed,
    history: squashHistory(built.history, built.baseConfig?.history?.length ?? 0, names.length - below),
  };
}

async function describeTree(
  tree: TreeResult,
  context: LayerContext,
  compression: Compression | undefined,
): Promise<Layers> {
  switch (tree.kind) {
    case 'snapshot':
      return describeSnapshots(
        tree.name === undefined ? [] : context.snapshotter.chain(tree.name),
        context,
        compression,
      );
    case 'layers':
      return {
        diffIDs: tree.layers.map(({ diffID }) => diffID),
        createdMs: tree.layers.map(({ createdMs = 0 }) => createdMs),
        listed: await listBlobs(tree, context),
      };
    case 'merged': {
      const parts = await mapConcurrently(tree.parts, tree.parts.length, (part) =>
        part.kind === 'snapshot' ? packPart(part, context, compression) : describeTree(part, context, compression),
      );
      return {
        diffIDs: parts.flatMap(({ diffIDs }) => diffIDs),
        createdMs: parts.flatMap(({ createdMs }) => createdMs),
        listed: new Map(parts.flatMap(({ listed }) => [...listed])),
      };
    }
  }
}

/** The blobs by which layers came. What only a cache says of a layer does not count where the store knows the layer itself. */
async function listBlobs(
  { layers, place }: LayersResult,
  { images, chains }: Pick<LayerContext, 'images' | 'chains'>,
): Promise<ReadonlyMap<Digest, Descriptor>> {
  const ids = chainIDs(layers.map(({ diffID }) => diffID));
  const ownBlob = async (diffID: Digest, i: number): Promise<LayerBlob | undefined> => {
    const known = await images.findLayerBlob(diffID);
    const snapshot = known === undefined ? await chains.claim(ids[i] ?? diffID) : undefined;
    return snapshot === undefined ? known : (await images.packSnapshot(snapshot, { compression: 'gzip' })).blob;
  };
  const listed = await mapConcurrently(layers, MAX_PARALLEL_PACKS, async ({ diffID, blob }, i) => {
    const { mediaType, digest, size } = (place.onLost && (await ownBlob(diffID, i))) ?? blob;
    return [diffID, { mediaType, digest, size }] as const;
  });
  return new Map(listed);
}

/**
 * A snapshot over layers that are not here: no stack of snapshots is the image's, in which it could be found when somebody wants it as
 * a blob. It gets one now.
 */
async function packPart(
  { name }: SnapshotResult,
  context: LayerContext,
  compression: Compression | undefined,
): Promise<Layers> {
  const names = name === undefined ? [] : context.snapshotter.chain(name);
  const described = await describeSnapshots(names, context, compression ?? 'gzip');
  const blobs = await mapConcurrently(names, MAX_PARALLEL_PACKS, async (each, i) => {
    const diffID = described.diffIDs[i];
    const known = diffID && (await context.images.findLayerBlob(diffID, compression));
    return known ?? (await context.images.packSnapshot(each, { compression: compression ?? 'gzip' })).blob;
  });
  const listed = described.diffIDs.flatMap((diffID, i): [Digest, Descriptor][] => {
    const blob = blobs[i];
    return blob === undefined ? [] : [[diffID, { mediaType: blob.mediaType, digest: blob.digest, size: blob.size }]];
  });
  return { ...described, listed: new Map(listed) };
}

async function describeSnapshots(
  names: readonly string[],
  context: LayerContext,
  compression: Compression | undefined,
): Promise<Layers> {
  const { snapshotter, chains, images } = context;
  const diffIDs = await mapConcurrently(names, availableParallelism(), async (name) => {
    context.signal?.throwIfAborted();
    const isNew = snapshotter.stat(name)?.diffID === undefined;
    const packs = isNew && compression !== undefined;
    return (await (packs ? images.packSnapshot(name, { compression }) : diffSnapshot(context, name))).diffID;
  });
  // All at once: they go to disk in one commit.
  await Promise.all(chainIDs(diffIDs).map((chainID, i) => chains.record(chainID, names[i] ?? chainID)));
  return { diffIDs, createdMs: names.map((name) => snapshotter.stat(name)?.createdMs ?? 0), listed: new Map() };
}
