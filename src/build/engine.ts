import { type CacheMountOptions, createCacheMounts, createCacheStorage, createClaims } from '../cache/index.ts';
import type { Devices } from '../devices/index.ts';
import { errorCode } from '../errors.ts';
import { listsDirectory } from '../history/paths.ts';
import type { BuildRecorder } from '../history/recorder.ts';
import type { Definition, SourceOp } from '../llb/ops.ts';
import type { Pins } from '../lockfile/index.ts';
import { native } from '../native/index.ts';
import type { Digest } from '../oci/index.ts';
import { createOpResolver, loadDefinition, resolveSource } from '../ops/index.ts';
import type { OpResult } from '../ops/types.ts';
import type { ProgressSink } from '../progress/events.ts';
import { createExecutor } from '../runtime/index.ts';
import type { Secrets, SshAgents } from '../secrets/index.ts';
import { createSolver } from '../solver/index.ts';
import type { SolveObserver } from '../solver/types.ts';
import {
  createImageSource,
  createLayoutSource,
  createLocalSource,
  type LayoutContexts,
  type LocalContext,
  lazySource,
  type ResolvedSource,
  rememberSource,
  type Source,
  type SourceOptions,
} from '../source/index.ts';
import type { Workspace } from '../workspace.ts';
import type { CacheExchange, WatchedOps } from './exchange.ts';
import { createObserver, type SolveSummary } from './observer.ts';

/**
 * Evaluates the graphs of one build: first perhaps that of a context which holds the Dockerfile, then the Dockerfile's own. What is
 * in both is looked up, fetched and shown once.
 */
export interface Engine {
  /** Of all graphs so far. */
  readonly summary: SolveSummary;
  /** What a source op names at this moment. Nothing is fetched that the solve would not find. */
  resolveSource(op: SourceOp, options: SourceOptions): Promise<ResolvedSource>;
  /** The tree at the head of a graph; `undefined` is the empty one. */
  solve(definition: Definition, signal: AbortSignal): Promise<OpResult | undefined>;
  /** What was solved is to be solved again: it is shown and counted anew. */
  startAgain(): void;
}

export interface EngineOptions {
  readonly workspace: Workspace;
  /** Directories by the name in `local://<name>`; looked up when a step reads one. */
  readonly contexts: ReadonlyMap<string, LocalContext>;
  /** Image layouts by the name in `oci-layout://<name>@…`. */
  readonly layouts: LayoutContexts;
  /** What sources and steps may ask for. */
  readonly secrets: Secrets;
  readonly sshAgents: SshAgents;
  readonly devices: Devices;
  /** Of a lock file. */
  readonly pins?: Pins | undefined;
  /** Keeps what was solved, and by which keys; absent where nothing is kept. */
  readonly recorder?: BuildRecorder;
  readonly sink: ProgressSink;
  /** Called before a step gets a cache. */
  readonly beforeMount?: CacheMountOptions['beforeUse'];
  /** Caches of other builders. */
  readonly exchange?: CacheExchange | undefined;
  /** How many steps execute at once; absent and 0: no limit. */
  readonly maxParallelism?: number | undefined;
}

export function createEngine({
  workspace,
  contexts,
  layouts,
  secrets,
  sshAgents,
  devices,
  pins,
  recorder,
  sink,
  beforeMount,
  exchange,
  maxParallelism,
}: EngineOptions): Engine {
  const { store, snapshotter, images, trees, network, http } = workspace;
  const cache = createCacheStorage(
    store,
    snapshotter,
    recorder === undefined ? {} : { maskName: (name) => recorder.mask(name) },
  );
  const claims = createClaims(store);
  const sources: readonly Source[] = [
    createImageSource(images),
    createLocalSource(contexts),
    createLayoutSource(images, layouts),
    rememberSource(
      lazySource(['http', 'https'], async () => {
        const { createHttpSource } = await import('../source/http/source.ts');
        return createHttpSource({ client: http, store, snapshotter, secrets, network, claims, pins });
      }),
    ),
    rememberSource(
      lazySource(['git'], async () => {
        const { createGitSource } = await import('../source/git/source.ts');
        return createGitSource({ store, snapshotter, native, secrets, sshAgents, network, pins });
      }),
    ),
  ];
  const resolveOp = createOpResolver({
    snapshotter,
    trees,
    native,
    executor: createExecutor(),
    cacheMounts: createCacheMounts(store, native, beforeMount === undefined ? {} : { beforeUse: beforeMount }),
    secrets,
    sshAgents,
    devices,
    sources,
    statCacheDirectory: store.paths.statCache,
    ...(recorder === undefined ? {} : { listDirectory: listsDirectory(store.paths) }),
  });
  const watched: WatchedOps = { resolveOp, resolveSource: (op, options) => resolveSource(op, sources, options) };
  const summary: SolveSummary = { executed: 0, cached: 0, failures: new Map() };
  const shown = new Set<Digest>();
  return {
    summary,
    resolveSource: watched.resolveSource,
    startAgain() {
      shown.clear();
      summary.executed = 0;
      summary.cached = 0;
    },
    async solve(definition, signal) {
      const edge = loadDefinition(definition, exchange?.watch(definition, cache, watched) ?? resolveOp);
      if (edge === undefined) return undefined;
      const isStep = (digest: Digest): boolean => !['source', 'merge'].includes(definition.ops.get(digest)?.type ?? '');
      // The layer that a merge puts into its place has been shown as the step that it is.
      const merges = [...definition.ops].flatMap(([digest, op]) => (op.type === 'merge' ? [digest] : []));
      const hidden = new Set([...shown, ...merges]);
      const observer = createObserver<OpResult>(sink, summary, isStep, hidden, recorder);
      recorder?.solving(definition);
      try {
        return await createSolver({
          cache,
          claims,
          ...(maxParallelism ? { maxParallelism } : {}),
          observer: exchange === undefined ? observer : tellKeys(observer, exchange),
          ...(exchange === undefined ? {} : { foreign: exchange.foreign }),
        }).build(edge, { signal });
      } finally {
        for (const digest of definition.ops.keys()) shown.add(digest);
        await cache.flush();
      }
    },
  };
}

/** Keys are what an exported cache finds results by. A step whose input a cache has lost has not failed: it is about to start again. */
function tellKeys(observer: SolveObserver<OpResult>, exchange: CacheExchange): SolveObserver<OpResult> {
  return {
    ...observer,
    completed(vertex, outcome) {
      if (errorCode(outcome.error) !== 'CACHE_LAYER_LOST') observer.completed(vertex, outcome);
    },
    keyed(vertex, keys) {
      exchange.keyed(vertex.digest, keys);
      observer.keyed?.(vertex, keys);
    },
  };
}
