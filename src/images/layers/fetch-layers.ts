import type { LayersResult } from '../../llb/results.ts';
import { chainIDs } from '../../oci/index.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ImageContext } from '../context.ts';
import type { TaskOptions } from '../types.ts';
import { getBlob, MAX_PARALLEL_TRANSFERS, recordSources } from './fetch.ts';
import { proveLayer } from './prove.ts';

/**
 * `ImageStore.fetchLayers`: afterwards each layer can be made into an image without asking anybody. What a cache says of its layers is
 * proved here: an image of the store would be unpacked when nobody remembers where they came from.
 */
export async function fetchLayers(
  context: ImageContext,
  { layers, place }: LayersResult,
  options: TaskOptions,
): Promise<void> {
  const chains = chainIDs(layers.map(({ diffID }) => diffID));
  const missing = layers.filter(({ diffID }, i) => context.chains.find(chains[i] ?? diffID) === undefined);
  await mapConcurrently(missing, MAX_PARALLEL_TRANSFERS, async (layer) => {
    await getBlob(context, layer.blob, options, place);
    if (place.onLost !== undefined) await proveLayer(context, layer, place.name);
  });
  const { repository } = place;
  if (repository !== undefined)
    await recordSources(
      context,
      missing.map(({ blob }) => blob),
      repository,
    );
}
