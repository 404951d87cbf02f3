import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeDirectories } from '../directories.ts';
import { native } from '../native/index.ts';
import type { FileLock, TablesHandle } from '../native/types.ts';
import { storeUnavailable, storeVersion } from './errors.ts';
import { createLeases, type Leases } from './leases.ts';
import { createOwner, type Owner } from './owner.ts';
import { defaultRoot, type StorePaths, storePaths } from './paths.ts';
import { createTables, type Table } from './tables.ts';

/**
 * An open store: paths, tables, and the locks by which any number of processes share it. What the tables hold is the
 * business of the rooms above.
 */
export interface Store extends Pick<Leases, 'hold' | 'collect'> {
  readonly paths: StorePaths;
  table<V>(name: string): Table<V>;
  /** Made on first use: a command that only reads takes no lock. */
  owner(): Promise<Owner>;
  /** A named lock over the whole store, across processes. With `wait` false, `undefined` when somebody holds it. */
  lock(name: string, options: { readonly exclusive: boolean; readonly wait: boolean }): Promise<FileLock | undefined>;
  close(): Promise<void>;
}

const FORMAT = 2;
/** Address space, not disk: the file grows as records come. */
const MAP_SIZE_BYTES = 16 * 1024 ** 3;

/** Opens the store at `root` (default: see `defaultRoot`), making it when it is not there. Throws `STORE_UNAVAILABLE`, `STORE_VERSION`. */
export async function openStore(root?: string): Promise<Store> {
  const paths = storePaths(resolve(root ?? defaultRoot()));
  let handle: TablesHandle;
  try {
    prepareRoot(paths);
    handle = native.openTables({ directory: paths.meta, mapSizeBytes: MAP_SIZE_BYTES });
  } catch (error) {
    if (error instanceof Error && error.name === 'TsbuildError') throw error;
    throw storeUnavailable(paths.root, error);
  }
  const tables = createTables(handle);
  let owner: Promise<Owner> | undefined;
  const getOwner = (): Promise<Owner> => {
    owner ??= createOwner(paths.locks, native);
    return owner;
  };
  const leases = createLeases(paths.locks, native, getOwner);
  return {
    paths,
    table: (name) => tables.table(name),
    owner: getOwner,
    hold: (names) => leases.hold(names),
    collect: (work, options) => leases.collect(work, options),
    lock: (name, options) => native.lockFile({ path: join(paths.locks, `${name}.lock`), ...options }),
    async close() {
      await tables.settled();
      handle.close();
      // After the last commit: what was made is recorded when its leases end.
      leases.release();
      (await owner)?.release();
    },
  };
}

/** Directories and the two files that make the root an OCI image layout. */
function prepareRoot(paths: StorePaths): void {
  const formatFile = join(paths.root, 'tsbuild-store');
  const found = readIfThere(formatFile);
  if (found !== undefined) {
    if (found.trim() !== String(FORMAT)) throw storeVersion(paths.root, JSON.stringify(found.trim()), FORMAT);
    return;
  }
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
  writeOnce(join(paths.root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  if (readIfThere(join(paths.root, 'index.json')) === undefined)
    writeOnce(join(paths.root, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
  // Last: a root without it is made again from the start.
  writeOnce(formatFile, `${FORMAT}\n`);
}

function writeOnce(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
