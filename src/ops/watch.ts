import type { JobWatch, NativeApi } from '../native/types.ts';
import type { ReadContext } from '../solver/types.ts';

/** Who waits for a long native job. */
export interface JobUser {
  /** Ends the job. */
  readonly signal: AbortSignal;
  /** Told of the bytes so far, a few times a second, and once more when a job that was told of is done. */
  readonly onBytes?: (bytes: number, completed: boolean) => void;
}

/** Shows what is read of a context as BuildKit shows what it transfers, at the context. */
export function followContext({ signal, source }: ReadContext): JobUser {
  return { signal, onBytes: (bytes, completed) => source.task('transferring context:', bytes, 0, completed) };
}

const INTERVAL_MS = 100;

/** Runs a native job that can be seen and ended. Rejects with the signal's reason when that was it. */
export async function watchJob<T>(
  native: Pick<NativeApi, 'createWatch'>,
  { signal, onBytes }: JobUser,
  run: (watch: JobWatch) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const watch = native.createWatch();
  const cancel = (): void => watch.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  let told = 0;
  const tell = (): void => {
    const { bytes } = watch.progress();
    if (bytes > told) onBytes?.(bytes, false);
    told = Math.max(told, bytes);
  };
  const timer = onBytes && setInterval(tell, INTERVAL_MS);
  try {
    return await run(watch);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', cancel);
    if (told > 0 && !signal.aborted) onBytes?.(watch.progress().bytes, true);
  }
}
