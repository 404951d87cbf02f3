import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs `action` while holding an exclusive flock on `path` (made when missing), so that test processes that start
 * together prepare a shared thing once. A process that dies lets go: the holder ends with its input.
 */
export async function withFileLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  const first = await Promise.race([once(holder.stdout, 'data'), ended.then(() => undefined)]);
  if (first === undefined) throw new Error(`could not lock ${path}`);
  try {
    return await action();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
