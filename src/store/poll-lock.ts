import { setTimeout as sleep } from 'node:timers/promises';
import type { FileLock } from '../native/types.ts';

/** How long a wait for a lock sleeps between two looks: from, to. */
const POLL_MS = [4, 100] as const;

type TryLock = () => Promise<FileLock | undefined>;

/**
 * Waits without a thread of its own: any number of steps may wait at once, and an abort ends the wait.
 *
 * @param onWait called at each look once it has taken a while, a third of a second
 */
export async function pollLock(tryLock: TryLock, signal: AbortSignal, onWait?: () => void): Promise<FileLock> {
  return (await pollLockFor(Number.POSITIVE_INFINITY, tryLock, signal, onWait)) as FileLock;
}

/** The same for so long; `undefined` when the lock was not free in all that time. */
export async function pollLockFor(
  waitMs: number,
  tryLock: TryLock,
  signal: AbortSignal | undefined,
  onWait?: () => void,
): Promise<FileLock | undefined> {
  const end = performance.now() + waitMs;
  for (let delayMs: number = POLL_MS[0]; ; delayMs = Math.min(delayMs * 1.5, POLL_MS[1])) {
    signal?.throwIfAborted();
    const lock = await tryLock();
    if (lock !== undefined || performance.now() >= end) return lock;
    if (delayMs === POLL_MS[1]) onWait?.();
    await sleep(delayMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}
