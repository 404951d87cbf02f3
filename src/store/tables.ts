import { errorCode, errorMessage } from '../errors.ts';
import type { TableChange, TablesHandle } from '../native/types.ts';
import { CommitQueue } from './commit-queue.ts';
import { storeDamaged, writeFailed } from './errors.ts';
import { hasShape } from './record-shapes.ts';

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
  records(): Iterable<{ readonly key: string; readonly value: string }>;
  removeRecord(key: string): Promise<void>;
  /** Resolves when all that was written is committed. */
  settled(): Promise<void>;
}

/** All tables are one space of keys, `<table>/<key>`, and their records are JSON. */
export function createTables(handle: TablesHandle, path: string): Tables {
  const commits = new CommitQueue(tellDamage(handle, path));
  return {
    table: (name) => createTable(commits, name, path),
    records: () => commits.list(''),
    removeRecord: (key) => commits.write({ key }),
    settled: () => commits.settled(),
  };
}

/** A page that leads nowhere is met when it is read, and not when the file is opened. */
function tellDamage(handle: TablesHandle, path: string): TablesHandle {
  const told = (error: unknown): unknown =>
    errorCode(error) === 'TABLES_FAILED' ? storeDamaged(path, errorMessage(error), error) : error;
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw told(error);
    }
  };
  return {
    get: (key) => attempt(() => handle.get(key)),
    list: (prefix) => attempt(() => handle.list(prefix)),
    version: () => attempt(() => handle.version()),
    commit: (request) =>
      handle.commit(request).catch((error: unknown) => {
        throw writeFailed(path, told(error));
      }),
    close: () => handle.close(),
  };
}

function createTable<V>(commits: CommitQueue, name: string, path: string): Table<V> {
  const prefix = `${name}/`;
  const parse = (key: string, text: string): V => {
    let value: V;
    try {
      value = JSON.parse(text) as V;
    } catch (error) {
      throw storeDamaged(path, `the record ${prefix}${key} is no JSON`, error);
    }
    if (value === null) throw storeDamaged(path, `the record ${prefix}${key} says nothing`);
    if (!hasShape(name, value)) throw storeDamaged(path, `the record ${prefix}${key} makes no sense`);
    return value;
  };
  const get = (key: string): V | undefined => {
    const text = commits.get(prefix + key);
    return text === undefined ? undefined : parse(key, text);
  };
  const changeTo = (key: string, value: V | undefined): TableChange =>
    value === undefined ? { key: prefix + key } : { key: prefix + key, value: JSON.stringify(value) };
  return {
    get,
    put: (key, value) => commits.write(changeTo(key, value)),
    remove: (key) => commits.write(changeTo(key, undefined)),
    *entries(start = '') {
      for (const { key, value } of commits.list(prefix + start))
        yield { key: key.slice(prefix.length), value: parse(key.slice(prefix.length), value) };
    },
    async update(key, change) {
      let next: V | undefined;
      await commits.decide(() => {
        next = change(get(key));
        return changeTo(key, next);
      });
      return next;
    },
  };
}
