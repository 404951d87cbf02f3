export {
  type CacheMountLease,
  type CacheMountRequest,
  type CacheMounts,
  type CacheSeed,
  createCacheMounts,
} from './cache-mounts.ts';
export { type CacheRecord, createCacheStorage } from './cache-storage.ts';
