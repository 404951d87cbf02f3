/** Tables of small records in one file (LMDB) that any number of processes share. */
export interface TablesApi {
  /**
   * Opens `<directory>/tables.mdb`, making it when it is not there. Synchronous, as its reads are: they take less time than a
   * promise of them would.
   */
  openTables(request: OpenTablesRequest): TablesHandle;
  /** Reads every record of a tables file, however damaged it is; `damage` is empty where that could be done. */
  checkTables(path: string): Promise<{ readonly damage: string; readonly entries: number }>;
}

export interface OpenTablesRequest {
  readonly directory: string;
  /** Address space, not disk: the upper bound of the file. */
  readonly mapSizeBytes: number;
  /** For a read-only file system: nothing is written, no lock taken. There must be a file. */
  readonly readOnly?: boolean;
}

/** Reads see the last commit and wait for nobody. Keys are ordered by their bytes, of which they have at most 511. */
export interface TablesHandle {
  get(key: string): string | undefined;
  /** Those whose key starts with `prefix`, in order. */
  list(prefix: string): readonly { readonly key: string; readonly value: string }[];
  /** Counts the commits of all processes. */
  version(): number;
  /**
   * Writes all changes or none; resolves when they are on disk. With `expectedVersion`, resolves to `false` and writes nothing
   * when anybody has committed since.
   */
  commit(request: CommitTablesRequest): Promise<boolean>;
  close(): void;
}

interface CommitTablesRequest {
  readonly changes: readonly TableChange[];
  readonly expectedVersion?: number;
}

/** Without a value, the key is removed. */
export interface TableChange {
  readonly key: string;
  readonly value?: string;
}
