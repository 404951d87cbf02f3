import { unreachable } from './errors.ts';

/**
 * Ends `work` when it takes longer than `timeoutMs` in all: for small answers, which a hostile server could otherwise send byte by byte for
 * ever. Throws `REGISTRY_UNREACHABLE` then, and the signal's own reason when that was first.
 */
export async function withDeadline<T>(
  request: {
    readonly method: string;
    readonly url: URL;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { method, url, timeoutMs, signal } = request;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await work(signal === undefined ? deadline : AbortSignal.any([signal, deadline]));
  } catch (error) {
    signal?.throwIfAborted();
    if (!deadline.aborted) throw error;
    const late = Object.assign(new Error(`no complete answer in ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
    throw unreachable(method, url, late);
  }
}
