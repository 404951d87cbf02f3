import { TsbuildError } from '../errors.ts';
import { type CollectionContext, collectGarbage } from './collect.ts';
import { imageInUse, imageNotFound } from './errors.ts';
import { requireImage } from './names/find.ts';
import { isDangling, isDigestName, showName, showRepository } from './names/names.ts';
import type { ImageRecord, RemovedItem } from './types.ts';

/**
 * `docker rmi`. By name: the name goes, and with an image's last name the image. By ID: all names go if they are of one repository,
 * or if forced. Content that nothing reaches any more goes at once, but for what others hold.
 */
export async function removeImage(
  context: CollectionContext,
  text: string,
  options: { readonly force?: boolean } = {},
): Promise<readonly RemovedItem[]> {
  const { record, by } = requireImage(context.records, text);
  // A digest may also find a tag with that content; it is not that tag's removal that was asked for.
  if (by === 'name' && text.includes('@') && !isDigestName(record.name)) throw imageNotFound(text);
  const records = context.records.ofImage(record.imageID);
  const going = by === 'name' ? namesGoingWith(record, records) : records;
  if (by === 'id' && !options.force && !areOneRepository(records))
    throw imageInUse(
      record.imageID,
      records.map(({ name }) => showName(name)),
    );
  const full = await removeNames(
    context,
    going.map(({ name }) => name),
  );
  const removed: RemovedItem[] = going
    .filter(({ name }) => !isDangling(name))
    .map(({ name }) => ({ type: 'untagged', name: showName(name) }));
  if (going.length < records.length) {
    if (full !== undefined) throw full;
    return removed;
  }
  removed.push({ type: 'deleted', digest: record.imageID });
  const collected = await collectGarbage(context);
  if (full !== undefined) await context.records.refresh();
  for (const digest of collected?.snapshots ?? []) removed.push({ type: 'deleted', digest });
  return removed;
}

/**
 * A full disk has no room for what is written anew beside the table, and removing is what makes room: that error is returned, for
 * when something was freed. Others are thrown.
 */
async function removeNames(context: CollectionContext, names: readonly string[]): Promise<TsbuildError | undefined> {
  try {
    await context.records.remove(names);
    return undefined;
  } catch (error) {
    const isGone = names.every((name) => context.records.get(name) === undefined);
    if (error instanceof TsbuildError && error.code === 'STORE_FULL' && isGone) return error;
    throw error;
  }
}

/** A repository's digests of an image go with its last tag there. */
function namesGoingWith(record: ImageRecord, records: readonly ImageRecord[]): readonly ImageRecord[] {
  if (isDigestName(record.name)) return [record];
  const repository = showRepository(record.name);
  const siblings = records.filter(({ name }) => name !== record.name && showRepository(name) === repository);
  return siblings.every(({ name }) => isDigestName(name)) ? [record, ...siblings] : [record];
}

/** At most one tag, and everything else digests of its repository. */
function areOneRepository(records: readonly ImageRecord[]): boolean {
  const tags = records.filter(({ name }) => !isDigestName(name));
  return tags.length <= 1 && new Set(records.map(({ name }) => showRepository(name))).size <= 1;
}
