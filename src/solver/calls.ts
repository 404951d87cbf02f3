import { setMaxListeners } from 'node:events';
import { mayStartAgain } from './errors.ts';

/**
 * The calls out of a solve into ops and storage. The first failure ends the solve: nothing new starts, what runs is aborted, and
 * `settled` waits for it. A failure after which the build starts again ends it gently: what runs may finish, for its result is good
 * and the next attempt finds it.
 */
export class Calls {
  readonly #controller = new AbortController();
  readonly #ending = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #external: AbortSignal | undefined;
  readonly #onAbort = () => {
    this.fail(this.#external?.reason);
    this.#controller.abort(this.#external?.reason);
  };
  #failure: { readonly error: unknown } | undefined;

  constructor(external: AbortSignal | undefined) {
    this.#external = external;
    // Everything that runs or waits listens; that is no leak.
    setMaxListeners(0, this.#controller.signal, this.#ending.signal);
    if (external?.aborted === true) this.#onAbort();
    else external?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Given to ops. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Given to what only waits: aborted by every failure, a gentle one too. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** What the solve failed with: all later errors are consequences. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#ending.abort(error);
    if (!mayStartAgain(error)) this.#controller.abort(error);
  }

  /** Calls `work`, unless the solve has failed; its error becomes the solve's failure. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure.error;
    return await this.finish(work);
  }

  /** Calls `work` even after a failure: for what completes something that is already done. */
  async finish<T>(work: () => Promise<T>): Promise<T> {
    const call = (async () => await work())();
    this.#running.add(call);
    try {
      return await call;
    } catch (error) {
      this.fail(error);
      throw error;
    } finally {
      this.#running.delete(call);
    }
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running);
      // Whoever waited for a call may start what finishes it: look again once they have run.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#external?.removeEventListener('abort', this.#onAbort);
  }
}
