import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeDirectories } from '../directories.ts';
import { errorCode, errorMessage, TsbuildError } from '../errors.ts';
import { native } from '../native/index.ts';
import type { FileLock, LockFileRequest, TablesHandle } from '../native/types.ts';
import { writeWhole } from '../whole-files.ts';
import { storeDamaged, storeUnavailable, storeVersion } from './errors.ts';
import { createLeases, type Leases } from './leases.ts';
import { createOwner, type Owner } from './owner.ts';
import { defaultRoot, type StorePaths, storePaths } from './paths.ts';
import { createTables, type Table } from './tables.ts';

/**
 * An open store: paths, tables, and the locks by which any number of processes share it. What the tables hold is the
 * business of the rooms above.
 */
export interface Store extends Pick<Leases, 'hold' | 'collect' | 'holders'> {
  readonly paths: StorePaths;
  /** Nothing can be written: the file system is read-only, or there is no store and none was made. */
  readonly isReadOnly: boolean;
  table<V>(name: string): Table<V>;
  /** Every record of every table as it is written, for those who check them; the key is `<table>/<key>`. */
  records(): Iterable<{ readonly key: string; readonly value: string }>;
  removeRecord(key: string): Promise<void>;
  /** Made on first use: a command that only reads takes no lock. */
  owner(): Promise<Owner>;
  /** Notes a path that was made in the store and stays: for those who count what the store takes. */
  noteMade(path: string): void;
  /** All that was noted since the store was opened. */
  made(): readonly string[];
  /** A named lock over the whole store, across processes. With `wait` false, `undefined` when somebody holds it. */
  lock(name: string, options: { readonly exclusive: boolean; readonly wait: boolean }): Promise<FileLock | undefined>;
  close(): Promise<void>;
}

const FORMAT = 2;
/** Address space, not disk: the file grows as records come. */
const MAP_SIZE_BYTES = 16 * 1024 ** 3;

export interface OpenStoreOptions {
  /**
   * `read`: a store that is not there is not made, it is empty; one that cannot be written to is read as it lies. Nothing can be held then.
   * `existing`: is written to where it is there, and otherwise empty and not made: for who takes things away, or needs some to be there.
   */
  readonly access?: 'read' | 'existing' | 'write';
  /** Tables that are gone are made anew, whatever index.json says. */
  readonly rebuilds?: boolean;
}

/**
 * Opens the store at `root` (default: see `defaultRoot`), making it when it is not there. Throws `STORE_UNAVAILABLE`, `STORE_VERSION`,
 * `STORE_DAMAGED`.
 */
export async function openStore(
  root?: string,
  { access = 'write', rebuilds = false }: OpenStoreOptions = {},
): Promise<Store> {
  const paths = storePaths(resolve(root ?? defaultRoot()));
  const { handle, isReadOnly } = openTables(paths, access, rebuilds);
  const tables = createTables(handle, join(paths.meta, 'tables.mdb'));
  let owner: Promise<Owner> | undefined;
  const getOwner = (): Promise<Owner> => {
    owner ??= createOwner(paths.locks, native);
    return owner;
  };
  const made = new Set<string>();
  const leases = createLeases(paths.locks, { lockFile }, getOwner);
  return {
    paths,
    isReadOnly,
    table: (name) => tables.table(name),
    records: () => tables.records(),
    removeRecord: (key) => tables.removeRecord(key),
    owner: getOwner,
    noteMade: (path) => void made.add(path),
    made: () => [...made],
    hold: async (names) => (isReadOnly ? undefined : leases.hold(names)),
    collect: (work, options) => leases.collect(work, options),
    holders: async () => (isReadOnly ? new Map() : leases.holders()),
    lock: (name, options) => lockFile({ path: join(paths.locks, `${name}.lock`), ...options }),
    async close() {
      await tables.settled();
      handle.close();
      // After the last commit: what was made is recorded when its leases end.
      leases.release();
      (await owner)?.release();
    },
  };
}

/** What is no file in the place of a lock is told as what it is: each command that needs the lock would fail. */
function lockFile(request: LockFileRequest): Promise<FileLock | undefined> {
  return native.lockFile(request).catch((error: unknown) => {
    throw NO_FILE.has(errorCode(error) ?? '')
      ? storeDamaged(request.path, 'what lies there is no file, and a lock is one', error)
      : error;
  });
}

const NO_FILE = new Set(['EISDIR', 'ELOOP', 'ENXIO']);

interface OpenedTables {
  readonly handle: TablesHandle;
  readonly isReadOnly: boolean;
}

function openTables(
  paths: StorePaths,
  access: NonNullable<OpenStoreOptions['access']>,
  rebuilds: boolean,
): OpenedTables {
  const request = { directory: paths.meta, mapSizeBytes: MAP_SIZE_BYTES };
  try {
    if (access === 'write') prepareRoot(paths);
    else if (!checkFormat(paths)) return { handle: NO_TABLES, isReadOnly: true };
    if (!rebuilds) checkTablesFile(paths);
    try {
      return { handle: native.openTables(request), isReadOnly: false };
    } catch (error) {
      if (access !== 'read' || !READ_ONLY.has(errorCode(error) ?? '')) throw error;
      return { handle: native.openTables({ ...request, readOnly: true }), isReadOnly: true };
    }
  } catch (error) {
    if (error instanceof TsbuildError) throw error;
    if (errorCode(error) === 'TABLES_FAILED')
      throw storeDamaged(join(paths.meta, 'tables.mdb'), errorMessage(error), error);
    throw storeUnavailable(paths.root, error);
  }
}

const READ_ONLY = new Set(['EROFS', 'EACCES', 'EPERM']);

/** A file of `meta` that is there while tables are made anew: half of them must not be taken for all. */
export const REBUILDING = 'rebuilding';

/** Where there is no store. */
const NO_TABLES: TablesHandle = {
  get: () => undefined,
  list: () => [],
  version: () => 0,
  commit: async () => false,
  close: () => {},
};

/**
 * Tables that are gone are not taken for those of a new store, where images say otherwise: every one of them would be collected.
 */
function checkTablesFile({ root, meta }: StorePaths): void {
  const file = join(meta, 'tables.mdb');
  if (existsSync(join(meta, REBUILDING))) throw storeDamaged(file, 'making it anew was cut off');
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const index = readIfThere(join(root, 'index.json'));
  if (index !== undefined && !/"manifests":\s*\[\s*\]/.test(index))
    throw storeDamaged(file, 'it is gone, but index.json names images');
}

/** False where there is no store. Throws `STORE_VERSION`, and `STORE_UNAVAILABLE` where there can be none. */
function checkFormat({ root }: StorePaths): boolean {
  const found = readIfThere(join(root, 'tsbuild-store'));
  if (found === undefined) {
    const status = statSync(root, { throwIfNoEntry: false });
    if (status !== undefined && !status.isDirectory()) throw storeUnavailable(root, new Error('it is no directory'));
    return false;
  }
  if (found.trim() !== String(FORMAT)) throw storeVersion(root, JSON.stringify(found.trim()), FORMAT);
  return true;
}

/** Directories and the two files that make the root an OCI image layout. */
function prepareRoot(paths: StorePaths): void {
  if (checkFormat(paths)) return;
  // 0700: layers hold what images hold, set-uid programs included; nobody else is to run them from here.
  makeDirectories(paths.root, 0o700);
  for (const directory of [
    paths.blobs,
    paths.snapshots,
    paths.cacheMounts,
    paths.meta,
    paths.logs,
    paths.locks,
    paths.ingest,
  ])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(join(paths.blobs, 'sha256'), { recursive: true });
  writeWhole(join(paths.root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  if (readIfThere(join(paths.root, 'index.json')) === undefined)
    writeWhole(join(paths.root, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
  // Last: a root without it is made again from the start.
  writeWhole(join(paths.root, 'tsbuild-store'), `${FORMAT}\n`);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // What may not be looked at is no store without anything in it.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
