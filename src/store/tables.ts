import type { Database, RootDatabase } from 'lmdb';

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
   * Reads and writes as one step that no other process can interleave: `change` sees the current value and gives the new one;
   * `undefined` removes.
   */
  update(key: string, change: (current: V | undefined) => V | undefined): Promise<V | undefined>;
}

/** A table over one named lmdb database. */
export function createTable<V>(environment: RootDatabase, name: string): Table<V> {
  const database: Database<V, string> = environment.openDB({ name, encoding: 'msgpack' });
  return {
    get: (key) => database.get(key),
    async put(key, value) {
      await database.put(key, value);
    },
    async remove(key) {
      await database.remove(key);
    },
    *entries(prefix = '') {
      // U+FFFF sorts after every character that a key has.
      const range = prefix === '' ? {} : { start: prefix, end: `${prefix}\uffff` };
      for (const { key, value } of database.getRange(range)) yield { key, value };
    },
    async update(key, change) {
      return await database.transaction(() => {
        const next = change(database.get(key));
        if (next === undefined) database.removeSync(key);
        else database.putSync(key, next);
        return next;
      });
    },
  };
}
