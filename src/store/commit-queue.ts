import type { TableChange, TablesHandle } from '../native/types.ts';
import { keyTooLong } from './errors.ts';

/** LMDB's limit. */
const MAX_KEY_BYTES = 511;

interface Step {
  readonly decide: () => TableChange;
  /** What it decides depends on what the tables hold. */
  readonly reads: boolean;
  readonly reject: (error: unknown) => void;
  readonly resolve: () => void;
}

/**
 * The commits of a process, one after another. What is asked for while one runs goes into the next, all of it together: a
 * commit waits for the disk, and many that come at once should wait for it once.
 */
export class CommitQueue {
  readonly #handle: TablesHandle;
  #waiting: Step[] = [];
  #running: Promise<void> | undefined;
  /** What earlier steps of the same commit decided; read as if it were written. `undefined` values are removals. */
  #decided = new Map<string, string | undefined>();

  constructor(handle: TablesHandle) {
    this.#handle = handle;
  }

  get(key: string): string | undefined {
    return this.#decided.has(key) ? this.#decided.get(key) : this.#handle.get(key);
  }

  list(prefix: string): readonly { readonly key: string; readonly value: string }[] {
    const committed = this.#handle.list(prefix);
    const decided = [...this.#decided].filter(([key]) => key.startsWith(prefix));
    if (decided.length === 0) return committed;
    const merged = committed.filter(({ key }) => !this.#decided.has(key));
    for (const [key, value] of decided) if (value !== undefined) merged.push({ key, value });
    return merged.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  write(change: TableChange): Promise<void> {
    return this.#enqueue(() => change, false);
  }

  /**
   * Commits what `decide` answers. It sees all that was asked for before it, and is asked again when somebody else has
   * committed meanwhile. Rejects with what it throws.
   */
  decide(decide: () => TableChange): Promise<void> {
    return this.#enqueue(decide, true);
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #enqueue(decide: () => TableChange, reads: boolean): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ decide, reads, reject, resolve }));
    // Begun in a later turn: what is asked for in this one goes along.
    this.#running ??= Promise.resolve().then(() => this.#run());
    return done;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const steps = this.#waiting;
      this.#waiting = [];
      try {
        const failed = await this.#commitAll(steps);
        for (const step of steps) {
          if (failed.has(step)) step.reject(failed.get(step));
          else step.resolve();
        }
      } catch (error) {
        for (const step of steps) step.reject(error);
      }
    }
    this.#running = undefined;
  }

  async #commitAll(steps: readonly Step[]): Promise<ReadonlyMap<Step, unknown>> {
    const reads = steps.some((step) => step.reads);
    for (;;) {
      const expectedVersion = this.#handle.version();
      const { changes, failed } = this.#decideAll(steps);
      if (changes.length === 0 && this.#handle.version() === expectedVersion) return failed;
      if (await this.#handle.commit({ changes, ...(reads ? { expectedVersion } : {}) })) return failed;
    }
  }

  #decideAll(steps: readonly Step[]): { changes: readonly TableChange[]; failed: ReadonlyMap<Step, unknown> } {
    const failed = new Map<Step, unknown>();
    try {
      for (const step of steps) {
        try {
          const change = step.decide();
          if (this.get(change.key) === change.value) continue;
          if (Buffer.byteLength(change.key) > MAX_KEY_BYTES) throw keyTooLong(change.key);
          this.#decided.set(change.key, change.value);
        } catch (error) {
          failed.set(step, error);
        }
      }
      const changes = [...this.#decided].map(([key, value]) => (value === undefined ? { key } : { key, value }));
      return { changes, failed };
    } finally {
      this.#decided = new Map();
    }
  }
}
