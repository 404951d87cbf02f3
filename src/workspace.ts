import { createClaims, sweepCacheMounts, sweepClaims } from './cache/index.ts';
import { type ContentStore, createContentStore } from './content/index.ts';
import { createImageStore, createTrees } from './images/index.ts';
import type { ImageStore, Trees } from './images/types.ts';
import { native } from './native/index.ts';
import { type Network, OFFLINE, ONLINE } from './network.ts';
import { createRegistryClient } from './registry/index.ts';
import type { RegistryClient } from './registry/types.ts';
import { sweepAgentSockets } from './secrets/index.ts';
import { type Chains, createChains } from './snapshot/chains.ts';
import { createOverlaySnapshotter } from './snapshot/overlay/snapshotter.ts';
import type { Snapshotter } from './snapshot/snapshotter.ts';
import { createHttpClient, type HttpClient } from './source/index.ts';
import { type OpenStoreOptions, openStore, type Store, sweepOwners } from './store/index.ts';

/**
 * The composition root: an open store with one implementation behind each interface. Everything that the library does
 * starts here; only this file and `build/` name implementations.
 */
export interface Workspace {
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly images: ImageStore;
  readonly trees: Trees;
  readonly registry: RegistryClient;
  /** Whether anything may be asked of others. */
  readonly network: Network;
  /** For what is downloaded from the web. */
  readonly http: HttpClient;
  /** Removes what processes that are gone left half made. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** How a workspace is opened. */
export interface WorkspaceOptions extends OpenStoreOptions {
  /** Nothing is asked of any other machine, nor of a server of this one: what would is refused with `OFFLINE`. */
  readonly offline?: boolean | undefined;
}

/** Opens the store at `root` (default: see the README). Throws `STORE_UNAVAILABLE`, `STORE_VERSION`, `NATIVE_UNAVAILABLE`. */
export async function openWorkspace(root: string | undefined, options: WorkspaceOptions = {}): Promise<Workspace> {
  const network = options.offline ? OFFLINE : ONLINE;
  const store = await openStore(root, options);
  const content = createContentStore(store);
  const snapshotter = createOverlaySnapshotter(store, native);
  const chains = createChains(store, snapshotter);
  const registry = createRegistryClient({ network });
  const images = createImageStore({ store, content, snapshotter, chains, native, registry });
  const http = createHttpClient(network);
  return {
    store,
    content,
    snapshotter,
    chains,
    images,
    trees: createTrees(images, snapshotter, createClaims(store)),
    registry,
    network,
    http,
    async sweep() {
      const owner = await store.owner();
      await Promise.all([
        sweepOwners(owner),
        sweepClaims(store),
        sweepAgentSockets(store),
        snapshotter.sweep(),
        content.sweep(),
        sweepCacheMounts(store, native),
      ]);
    },
    async close() {
      await Promise.all([registry.close(), http.close()]);
      await store.close();
    },
  };
}

/** Opens the store, does `work`, and closes it whatever happens. */
export async function withWorkspace<T>(
  root: string | undefined,
  work: (workspace: Workspace) => Promise<T>,
  options: WorkspaceOptions = {},
): Promise<T> {
  const workspace = await openWorkspace(root, options);
  try {
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}
