import { setTimeout as sleep } from 'node:timers/promises';
import type { FileLock } from '../native/types.ts';

/** How long a wait for a lock sleeps between two looks: from, to. */
const POLL_MS = [4, 100] as const;

/**
 * Waits without a thread of its own: any number of steps may wait at once, and an abort ends the wait.
 *
 * @param onWait called at each look once it has taken a while, a third of a second
 */
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
