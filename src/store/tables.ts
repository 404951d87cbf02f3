import type { TableChange, TablesHandle } from '../native/types.ts';

/**
 * A table of small records, shared by any number of processes. Reads see the last commit; a write's promise resolves when it is
 * committed and flushed. Everything in tables can be rebuilt or dropped without losing an image's bytes.
 */
export interface Table<V> {
  get(key: string): V | undefined;
  put(key: string, value: V): Promise<void>;
  remove(key: string): Promise<void>;
  /** Entries in key order, all or those whose key starts with `prefix`. */
  entries(prefix?: string): Iterable<{ readonly key: string; readonly value: V }>;
  /**
   * Reads and writes as one step that nobody, in this process or another, can interleave: `change` sees the current value and gives
   * the new one; `undefined` removes. It may look at any table, and is asked again when something was written meanwhile.
   */
  update(key: string, change: (current: V | undefined) => V | undefined): Promise<V | undefined>;
}

/** The tables of one open store. */
export interface Tables {
  table<V>(name: string): Table<V>;
  /** Resolves when all that was written is committed. */
  settled(): Promise<void>;
}

/** All tables are one space of keys, `<table>/<key>`, and their records are JSON. */
export function createTables(handle: TablesHandle): Tables {
  const commits = new CommitQueue(handle);
  return {
    table: (name) => createTable(handle, commits, `${name}/`),
    settled: () => commits.settled(),
  };
}

function createTable<V>(handle: TablesHandle, commits: CommitQueue, prefix: string): Table<V> {
  const decode = (text: string): V => JSON.parse(text) as V;
  const get = (key: string): V | undefined => {
    const text = handle.get(prefix + key);
    return text === undefined ? undefined : decode(text);
  };
  return {
    get,
    put: (key, value) => commits.write({ key: prefix + key, value: JSON.stringify(value) }),
    remove: (key) => commits.write({ key: prefix + key }),
    *entries(start = '') {
      for (const { key, value } of handle.list(prefix + start))
        yield { key: key.slice(prefix.length), value: decode(value) };
    },
    async update(key, change) {
      let next: V | undefined;
      await commits.decide(() => {
        next = change(get(key));
        return { key: prefix + key, ...(next === undefined ? {} : { value: JSON.stringify(next) }) };
      });
      return next;
    },
  };
}

/** The commits of a process, one after another. What is written while one runs goes into the next, all of it together. */
class CommitQueue {
  readonly #handle: TablesHandle;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: { readonly changes: TableChange[]; readonly written: Promise<void> } | undefined;

  constructor(handle: TablesHandle) {
    this.#handle = handle;
  }

  write(change: TableChange): Promise<void> {
    if (this.#waiting === undefined) {
      const changes: TableChange[] = [];
      const written = this.#enqueue(async () => {
        if (this.#waiting?.changes === changes) this.#waiting = undefined;
        await this.#handle.commit({ changes });
      });
      this.#waiting = { changes, written };
    }
    this.#waiting.changes.push(change);
    return this.#waiting.written;
  }

  /** Commits what `decide` answers, unless somebody else committed since it was asked: then it is asked again. */
  decide(decide: () => TableChange): Promise<void> {
    // What is written from now on comes after this.
    this.#waiting = undefined;
    return this.#enqueue(async () => {
      for (let written = false; !written; ) {
        const expectedVersion = this.#handle.version();
        const change = decide();
        if (this.#handle.get(change.key) === change.value && this.#handle.version() === expectedVersion) return;
        written = await this.#handle.commit({ changes: [change], expectedVersion });
      }
    });
  }

  async settled(): Promise<void> {
    await this.#last;
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}
