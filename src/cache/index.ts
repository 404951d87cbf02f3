export {
  type CacheMountLease,
  type CacheMountOptions,
  type CacheMountRequest,
  type CacheMounts,
  type CacheSeed,
  createCacheMounts,
} from './cache-mounts.ts';
export { type BuildCache, type CacheRecord, createCacheStorage } from './cache-storage.ts';
export { createClaims, sweepClaims } from './claims.ts';
export { type CacheMountInfo, listCacheMounts } from './mounts/list.ts';
export { sweepCacheMounts } from './mounts/remove.ts';
