export type { CollectOptions } from './leases.ts';
export type { Owner } from './owner.ts';
export { sweepOwners } from './owner.ts';
export type { StorePaths } from './paths.ts';
export { pollLock, pollLockFor } from './poll-lock.ts';
export { hasShape } from './record-shapes.ts';
export { type OpenStoreOptions, openStore, REBUILDING, type Store } from './store.ts';
export type { Table } from './tables.ts';
