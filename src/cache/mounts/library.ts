import type { CacheMountPlace } from '../../build-types.ts';
import { mountInUse, mountNotFound, placeNotFound } from './errors.ts';
import { type ExportedMounts, type ExportOptions, exportCacheMounts } from './export.ts';
import { displayId } from './facts.ts';
import { type ImportedMount, type ImportOptions, openMountImport } from './import.ts';
import { listMountIds } from './list.ts';
import { placeName } from './place.ts';
import { removeCacheMount, sweepCacheMounts } from './remove.ts';
import { selectMounts } from './select.ts';
import type { TravelContext } from './travel.ts';

/** Ids or names of mounts; `'all'` for every one. */
export type MountChoice = readonly string[] | 'all';

export async function exportChosen(
  context: TravelContext,
  choice: MountChoice,
  place: CacheMountPlace,
  options: ExportOptions,
): Promise<ExportedMounts> {
  return await exportCacheMounts(context, chosenNames(context, choice), place, options);
}

/** One after the other: what failed leaves those before it imported. */
export async function importChosen(
  context: TravelContext,
  choice: MountChoice,
  place: CacheMountPlace,
  options: ImportOptions,
): Promise<readonly ImportedMount[]> {
  await sweepCacheMounts(context.store, context.native);
  const from = await openMountImport(context, place, options.signal ?? new AbortController().signal);
  try {
    const { entries } = from;
    if (entries.length === 0) throw placeNotFound(placeName(place));
    const ids = entries.map(({ facts }) => displayId(facts.id));
    const missing = choice === 'all' ? undefined : choice.find((id) => !ids.includes(id));
    if (missing !== undefined) throw mountNotFound(missing, ids, placeName(place));
    const imported: ImportedMount[] = [];
    for (const [i, entry] of entries.entries())
      if (choice === 'all' || choice.includes(ids[i] ?? '')) imported.push(await from.take(entry, options));
    return imported;
  } finally {
    await from.close();
  }
}

export interface RemovedMount {
  readonly id: string;
  readonly name: string;
}

/** Throws `CACHE_MOUNT_IN_USE` before anything is removed of that mount. */
export async function removeChosen(
  { store, native }: Pick<TravelContext, 'store' | 'native'>,
  choice: MountChoice,
  signal?: AbortSignal,
): Promise<readonly RemovedMount[]> {
  await sweepCacheMounts(store, native);
  const names = new Set(chosenNames({ store }, choice));
  const removed = listMountIds(store).filter(({ name }) => names.has(name));
  for (const { id, name } of removed) if (!(await removeCacheMount(store, native, name, signal))) throw mountInUse(id);
  return removed;
}

function chosenNames({ store }: Pick<TravelContext, 'store'>, choice: MountChoice): readonly string[] {
  if (choice !== 'all') return selectMounts(store, choice);
  return listMountIds(store).map(({ name }) => name);
}
