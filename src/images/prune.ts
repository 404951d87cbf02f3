import type { ImageContext } from './context.ts';
import { groupBy } from './names/grouping.ts';
import { isDangling } from './names/names.ts';
import { removeImage } from './remove.ts';
import type { RemovedItem } from './types.ts';

/**
 * `docker image prune`: removes the images that have lost their names; with `all` those with names too, since no container keeps one here.
 */
export async function pruneImages(
  context: ImageContext,
  { all = false }: { readonly all?: boolean } = {},
): Promise<readonly RemovedItem[]> {
  const removed: RemovedItem[] = [];
  for (const [imageID, records] of groupBy(context.records.all(), (record) => record.imageID))
    if (all || records.every(({ name }) => isDangling(name)))
      removed.push(...(await removeImage(context, imageID, { force: true })));
  return removed;
}
