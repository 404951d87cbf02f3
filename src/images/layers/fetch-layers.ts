import type { LayersResult } from '../../llb/results.ts';
import { chainIDs } from '../../oci/index.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ImageContext } from '../context.ts';
import type { TaskOptions } from '../types.ts';
import { getBlob, MAX_PARALLEL_TRANSFERS, recordSources } from './fetch.ts';

/** `ImageStore.fetchLayers`: afterwards each layer can be made into an image without asking anybody. */
export async function fetchLayers(
  context: ImageContext,
  { layers, place }: LayersResult,
  options: TaskOptions,
): Promise<void> {
  const chains = chainIDs(layers.map(({ diffID }) => diffID));
  const missing = layers.filter(({ diffID }, i) => context.chains.find(chains[i] ?? diffID) === undefined);
  await mapConcurrently(missing, MAX_PARALLEL_TRANSFERS, ({ blob }) => getBlob(context, blob, options, place));
  const { repository } = place;
  if (repository !== undefined)
    await recordSources(
      context,
      missing.map(({ blob }) => blob),
      repository,
    );
}
