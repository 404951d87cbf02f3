/** Which store. */
export interface StoreOptions {
  readonly root?: string;
  /** What would ask a server rejects with `OFFLINE`. */
  readonly offline?: boolean;
}

/** Only looks: a store that is not there is empty, and not made; one on a read-only file system is read as it lies. */
export const READ = { access: 'read' } as const;

/** Changes what is in a store: where there is none it has nothing to do, and makes none. */
export const EXISTING = { access: 'existing' } as const;
