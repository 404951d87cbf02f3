import { availableParallelism } from 'node:os';
import { mapConcurrently } from '../images/concurrency.ts';
import { type Compression, chainIDs, encodeJson, MediaType } from '../oci/index.ts';
import { diffSnapshot } from '../snapshot/differ.ts';
import { makeImageConfig } from './config.ts';
import { completeHistory, formatTime } from './history.ts';
import type { AssembledImage, BuiltTree, ExportContext } from './types.ts';

/**
 * Makes an image's config from what a build made, and stores it. Of the layers only the diffIDs are computed, each once in its
 * life; compressed blobs are made when somebody wants them (`packImage`), which is now when a `compression` is given. A layer for each RUN, COPY, ADD and WORKDIR stays even
 * when it is empty, as in BuildKit.
 */
export async function assembleImage(
  built: BuiltTree,
  context: Pick<
    ExportContext,
    'images' | 'content' | 'snapshotter' | 'chains' | 'native' | 'sourceDateEpoch' | 'signal'
  >,
  compression?: Compression,
): Promise<AssembledImage> {
  const { content, snapshotter, chains } = context;
  const names = built.snapshot === undefined ? [] : snapshotter.chain(built.snapshot);
  const diffIDs = await mapConcurrently(names, availableParallelism(), async (name) => {
    context.signal?.throwIfAborted();
    const isNew = snapshotter.stat(name)?.diffID === undefined;
    const packs = isNew && compression !== undefined;
    return (await (packs ? context.images.packSnapshot(name, { compression }) : diffSnapshot(context, name))).diffID;
  });
  // All at once: they go to disk in one commit.
  await Promise.all(chainIDs(diffIDs).map((chainID, i) => chains.record(chainID, names[i] ?? chainID)));

  const epochMs = context.sourceDateEpoch === undefined ? undefined : context.sourceDateEpoch * 1000;
  const layersMs = names.map((name) => snapshotter.stat(name)?.createdMs ?? 0);
  const history = completeHistory(built.history, layersMs, built.baseConfig, epochMs);
  const created = epochMs === undefined ? history.at(-1)?.created : formatTime(epochMs);
  const config = makeImageConfig(built, diffIDs, history, created);
  const descriptor = await content.put(MediaType.ociConfig, encodeJson(config));
  return { imageID: descriptor.digest, descriptor, config };
}
