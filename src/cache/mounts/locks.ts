import { setTimeout as sleep } from 'node:timers/promises';
import type { FileLock } from '../../native/types.ts';
import type { Store } from '../../store/index.ts';

/** How long a wait for a lock sleeps between two looks: from, to. */
const POLL_MS = [4, 100] as const;

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

/** Waits without a thread of its own: any number of steps may wait at once, and an abort ends the wait. */
export async function pollLock(
  tryLock: () => Promise<FileLock | undefined>,
  signal: AbortSignal,
  onWait?: () => void,
): Promise<FileLock> {
  for (let delayMs: number = POLL_MS[0]; ; delayMs = Math.min(delayMs * 1.5, POLL_MS[1])) {
    signal.throwIfAborted();
    const lock = await tryLock();
    if (lock !== undefined) return lock;
    if (delayMs === POLL_MS[1]) onWait?.();
    await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
