import type { ImageContext } from './context.ts';
import { parseTime, readDetails } from './details.ts';
import { compileLabels } from './names/filters.ts';
import { groupBy } from './names/grouping.ts';
import { isDangling } from './names/names.ts';
import { removeImage } from './remove.ts';
import type { ImageRecord, PruneImagesOptions, RemovedItem } from './types.ts';

/**
 * `docker image prune`: removes the images that have lost their names; with `all` those with names too, since no container keeps one here.
 */
export async function pruneImages(
  context: ImageContext,
  options: PruneImagesOptions = {},
): Promise<readonly RemovedItem[]> {
  const matches = compileFilters(context, options);
  const removed: RemovedItem[] = [];
  for (const [imageID, records] of groupBy(context.records.all(), (record) => record.imageID)) {
    const [first] = records;
    const isUnnamed = records.every(({ name }) => isDangling(name));
    if (first !== undefined && (options.all || isUnnamed) && (await matches(first)))
      removed.push(...(await removeImage(context, imageID, { force: true })));
  }
  return removed;
}

/** An image whose config cannot be read is none that a filter means. */
function compileFilters(
  context: ImageContext,
  { label = [], notLabel = [], createdBeforeMs }: PruneImagesOptions,
): (record: ImageRecord) => Promise<boolean> {
  if (label.length === 0 && notLabel.length === 0 && createdBeforeMs === undefined) return async () => true;
  const [hasAll, hasUnwanted] = [compileLabels(label), compileLabels(notLabel)];
  return async (record) => {
    const config = (await readDetails(context, record))?.config;
    if (config === undefined) return false;
    const labels = config.config?.Labels ?? {};
    if (createdBeforeMs !== undefined && (parseTime(config.created) ?? 0) > createdBeforeMs) return false;
    return hasAll(labels) && !(notLabel.length > 0 && hasUnwanted(labels));
  };
}
