import type { FileLock } from '../../native/types.ts';
import { pollLock, type Store } from '../../store/index.ts';

/** Whoever uses a directory of a mount holds this: shared, or alone for `locked` and `private`, and to replace or remove it. */
export function tryInstance(
  store: Pick<Store, 'lock'>,
  name: string,
  index: number,
  exclusive: boolean,
): Promise<FileLock | undefined> {
  return store.lock(`cache-mount-${name}-${index}`, { exclusive, wait: false });
}

/** Held while a mount's directories are made or go. Taken after that of an instance. */
export function lockMaking(store: Pick<Store, 'lock'>, name: string, signal: AbortSignal): Promise<FileLock> {
  return pollLock(() => store.lock(`cache-mount-${name}-new`, { exclusive: true, wait: false }), signal);
}
