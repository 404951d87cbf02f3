import { availableParallelism } from 'node:os';
import { mapConcurrently } from '../images/concurrency.ts';
import { type Compression, chainIDs, type Digest, type HistoryEntry } from '../oci/index.ts';
import { diffSnapshot } from '../snapshot/differ.ts';
import { squashHistory } from './history.ts';
import type { BuiltTree, ExportContext } from './types.ts';

export type LayerContext = Pick<
  ExportContext,
  'images' | 'snapshotter' | 'chains' | 'native' | 'squash' | 'signal' | 'onTask'
>;

/** An image's layers, bottom first, and the history that speaks of them. */
export interface ImageLayers {
  readonly diffIDs: readonly Digest[];
  readonly createdMs: readonly number[];
  readonly history: readonly HistoryEntry[];
}

/** One layer for each snapshot; with `squash` one for all that are above the base's, where they are several. */
export async function describeLayers(
  built: BuiltTree,
  context: LayerContext,
  compression: Compression | undefined,
): Promise<ImageLayers> {
  const { snapshotter } = context;
  const names = built.snapshot === undefined ? [] : snapshotter.chain(built.snapshot);
  const below = built.baseConfig?.rootfs.diff_ids.length ?? 0;
  const squashes = context.squash === true && names.length > below + 1;
  const kept = squashes ? names.slice(0, below) : names;
  const diffIDs = await diffAll(kept, context, compression);
  const createdMs = names.map((name) => snapshotter.stat(name)?.createdMs ?? 0);
  if (!squashes || built.snapshot === undefined) return { diffIDs, createdMs, history: built.history };
  context.signal?.throwIfAborted();
  context.onTask?.('squashing layers', 0, 0);
  const squashed = await context.images.packSquashed(built.snapshot, kept.at(-1), {
    ...(compression === undefined ? {} : { compression }),
    signal: context.signal,
  });
  context.onTask?.('squashing layers', 0, 0, true);
  return {
    diffIDs: [...diffIDs, squashed.diffID],
    createdMs: [...createdMs.slice(0, below), Math.max(...createdMs.slice(below))],
    history: squashHistory(built.history, built.baseConfig?.history?.length ?? 0, names.length - below),
  };
}

async function diffAll(
  names: readonly string[],
  context: LayerContext,
  compression: Compression | undefined,
): Promise<readonly Digest[]> {
  const { snapshotter, chains, images } = context;
  const diffIDs = await mapConcurrently(names, availableParallelism(), async (name) => {
    context.signal?.throwIfAborted();
    const isNew = snapshotter.stat(name)?.diffID === undefined;
    const packs = isNew && compression !== undefined;
    return (await (packs ? images.packSnapshot(name, { compression }) : diffSnapshot(context, name))).diffID;
  });
  // All at once: they go to disk in one commit.
  await Promise.all(chainIDs(diffIDs).map((chainID, i) => chains.record(chainID, names[i] ?? chainID)));
  return diffIDs;
}
