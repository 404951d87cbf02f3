import type { ContentStore } from './content-store.ts';
import type { Fetcher, Pusher } from './targets.ts';

/** The content store as a place to copy from and to. */
export function createStoreTarget(content: ContentStore): Fetcher & Pusher {
  return {
    async fetch(descriptor, { offset, signal } = {}) {
      signal?.throwIfAborted();
      return content.open(descriptor.digest, offset);
    },
    exists: async ({ digest, size }) => (await content.claim(digest))?.size === size,
    async push(descriptor, source, options) {
      await content.ingest(descriptor, await source.open(), options);
    },
  };
}
