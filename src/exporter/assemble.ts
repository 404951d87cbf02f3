import { type Compression, encodeJson, MediaType } from '../oci/index.ts';
import { makeImageConfig } from './config.ts';
import { completeHistory, formatTime } from './history.ts';
import { describeLayers, type LayerContext } from './layers.ts';
import type { AssembledImage, BuiltTree, ExportContext } from './types.ts';

type AssembleContext = LayerContext & Pick<ExportContext, 'content' | 'sourceDateEpoch' | 'inlineCache'>;

/**
 * Makes an image's config from what a build made, and stores it. Of the layers only the diffIDs are computed, each once in its
 * life; compressed blobs are made when somebody wants them (`packImage`), which is now when a `compression` is given. A layer for each RUN, COPY, ADD and WORKDIR stays even
 * when it is empty, as in BuildKit.
 */
export async function assembleImage(
  built: BuiltTree,
  context: AssembleContext,
  compression?: Compression,
): Promise<AssembledImage> {
  const layers = await describeLayers(built, context, compression);
  const { diffIDs, listed } = layers;
  const epochMs = context.sourceDateEpoch === undefined ? undefined : context.sourceDateEpoch * 1000;
  const history = completeHistory(layers.history, layers.createdMs, built.baseConfig, epochMs);
  const created = epochMs === undefined ? history.at(-1)?.created : formatTime(epochMs);
  const cache = await context.inlineCache?.(diffIDs);
  const config = makeImageConfig(built, diffIDs, history, created, cache);
  const descriptor = await context.content.put(MediaType.ociConfig, encodeJson(config));
  return { imageID: descriptor.digest, descriptor, config, platform: built.platform, listed };
}
