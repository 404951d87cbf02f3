import type { Store } from '../../store/index.ts';
import { mountAmbiguous, mountNotFound } from './errors.ts';
import { listMountIds } from './list.ts';

/** Of a name, so many digits at least: fewer could be an id. */
const MIN_DIGITS = 6;

/**
 * Names of the mounts that are meant by an id (all that have it: another owner or mode is another mount) or by the beginning of a
 * name. Throws `CACHE_MOUNT_NOT_FOUND`, `CACHE_MOUNT_AMBIGUOUS`.
 */
export function selectMounts(store: Pick<Store, 'paths'>, texts: readonly string[]): readonly string[] {
  const mounts = listMountIds(store);
  const found = texts.flatMap((text) => {
    const byId = mounts.filter(({ id }) => id === text);
    if (byId.length > 0) return byId;
    const byName = text.length < MIN_DIGITS ? [] : mounts.filter(({ name }) => name.startsWith(text));
    if (byName.length > 1)
      throw mountAmbiguous(
        text,
        byName.map(({ name }) => name),
      );
    if (byName.length === 1) return byName;
    throw mountNotFound(
      text,
      mounts.map(({ id }) => id),
      'the store',
    );
  });
  return [...new Set(found.map(({ name }) => name))];
}
