import type { Digest } from '../oci/index.ts';
import type { Store } from '../store/index.ts';

/**
 * In which repositories a blob was seen: digest -> `host/path`. A push to another repository of that host can then mount the
 * blob instead of sending it. A record that no longer holds costs one request, nothing else.
 */
export interface BlobSources {
  record(digest: Digest, domain: string, path: string): Promise<void>;
  /** Paths of the host's repositories that had the blob, latest first. */
  find(digest: Digest, domain: string): readonly string[];
  /** Every repository that had the blob, of whatever host, latest first: where to get it from when the store lacks it. */
  repositories(digest: Digest): readonly { readonly domain: string; readonly path: string }[];
  /** Forgets all about a blob. */
  remove(digest: Digest): Promise<void>;
}

const MAX_SOURCES_PER_BLOB = 8;

export function createBlobSources(store: Pick<Store, 'table'>): BlobSources {
  const table = store.table<readonly string[]>('blob-sources');
  return {
    async record(digest, domain, path) {
      const source = `${domain}/${path}`;
      if (table.get(digest)?.[0] === source) return;
      await table.update(digest, (current = []) =>
        [source, ...current.filter((other) => other !== source)].slice(0, MAX_SOURCES_PER_BLOB),
      );
    },
    find(digest, domain) {
      const prefix = `${domain}/`;
      return (table.get(digest) ?? [])
        .filter((source) => source.startsWith(prefix))
        .map((source) => source.slice(prefix.length));
    },
    repositories: (digest) =>
      (table.get(digest) ?? []).map((source) => {
        const slash = source.indexOf('/');
        return { domain: source.slice(0, slash), path: source.slice(slash + 1) };
      }),
    remove: (digest) => table.remove(digest),
  };
}
