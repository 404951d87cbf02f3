import type { BuildRequest, CacheDestinationSpec } from '../build-types.ts';
import { type BuildKitDep, createBuildKitKeys, type GitCommit } from '../buildkit/index.ts';
import {
  type BuiltGraph,
  createRegistries,
  exportCache,
  ForeignRecords,
  type ImportedCache,
  importCache,
  makeInlineCache,
  nameSource,
  type PlacedDestination,
} from '../cache/exchange/index.ts';
import type { BuildCache } from '../cache/index.ts';
import { errorMessage } from '../errors.ts';
import type { Definition, Op, SourceOp } from '../llb/ops.ts';
import type { OpResult, TreeResult } from '../llb/results.ts';
import { native } from '../native/index.ts';
import { type Digest, hostPlatform } from '../oci/index.ts';
import { watchJob } from '../ops/index.ts';
import type { OpResolver } from '../ops/types.ts';
import type { ProgressSink } from '../progress/events.ts';
import type { ForeignCache, SolverOp, VertexKeys, VertexReporter } from '../solver/types.ts';
import {
  createLocalSource,
  findLayout,
  type LayoutContexts,
  type LocalContext,
  type ResolvedSource,
  type SourceOptions,
  schemeOf,
} from '../source/index.ts';
import type { Workspace } from '../workspace.ts';
import { runPhase } from './phases.ts';

/** Caches of other builders: what a build takes from them, and what it leaves for them. */
export interface CacheExchange {
  readonly foreign: ForeignCache<OpResult>;
  /** Remembers what the ops of a graph give, which is about to be solved. */
  watch(definition: Definition, cache: BuildCache, ops: WatchedOps): OpResolver;
  keyed(vertex: Digest, keys: VertexKeys): void;
  /** The cache for the image's own config, where one was asked for. `undefined` for none. */
  inlineCache(definition: Definition, diffIDs: readonly Digest[]): Promise<string | undefined>;
  /** Writes what was built to every place that was asked for. */
  exportAll(definition: Definition, tree: TreeResult): Promise<void>;
  /** Results of others that were fetched are the store's own from now on. */
  keepFetched(): Promise<void>;
  close(): Promise<void>;
}

/** What the ops of a graph do, and what its sources are found to be. */
export interface WatchedOps {
  readonly resolveOp: OpResolver;
  readonly resolveSource: (op: SourceOp, options: SourceOptions) => Promise<ResolvedSource>;
}

export interface ExchangeOptions {
  readonly workspace: Workspace;
  readonly request: BuildRequest;
  readonly contexts: ReadonlyMap<string, LocalContext>;
  readonly layouts: LayoutContexts;
  readonly sink: ProgressSink;
  readonly signal: AbortSignal;
}

/** The build argument by which BuildKit's frontend was told before there was `--cache-to`. */
function wantsInlineCache(buildArgs: BuildRequest['buildArgs']): boolean {
  return ['1', 't', 'true'].includes((buildArgs?.BUILDKIT_INLINE_CACHE ?? '').toLowerCase());
}

/** Begins to read the caches at once, beside everything else that a build does. */
export function createExchange(options: ExchangeOptions): CacheExchange {
  const { workspace, request, contexts, layouts, sink, signal } = options;
  const { store, snapshotter, images, trees, network } = workspace;
  const registries = createRegistries(workspace.registry, network);
  const ops = new Map<Digest, Op>();
  const solverOps = new Map<Digest, SolverOp<OpResult>>();
  const made = new Map<Digest, readonly OpResult[]>();
  const keysOf = new Map<Digest, VertexKeys>();
  const local = createLocalSource(contexts);
  let storage: BuildCache | undefined;
  let resolveSource: WatchedOps['resolveSource'] | undefined;

  const readLocal = async (op: SourceOp): Promise<OpResult> => {
    const source = await local.resolve(op, { signal });
    return source.fetch({ signal });
  };
  const layersOf = async ({ identifier, platform = hostPlatform() }: SourceOp): Promise<readonly Digest[]> => {
    const { scheme, rest } = schemeOf(identifier);
    if (scheme !== 'oci-layout')
      return (await images.resolve(rest, { platform, pull: 'missing', signal })).config.rootfs.diff_ids;
    const at = rest.lastIndexOf('@');
    const place = { ...findLayout(layouts, rest.slice(0, at)), reference: rest.slice(at + 1) };
    return (await images.resolveLayout(place, { platform, signal })).config.rootfs.diff_ids;
  };
  const commitOf = async (op: SourceOp, ended: AbortSignal): Promise<GitCommit | undefined> =>
    (await resolveSource?.(op, { signal: ended }))?.commit;
  /** The step that shows where a cache came from. */
  const steps = new Map<ImportedCache, VertexReporter>();

  const caches = importAll();
  const foreign = new ForeignRecords({
    caches,
    keys: createBuildKitKeys({
      hashContent: (job, ended) =>
        watchJob(native, { signal: ended }, (watch) => native.hashContent({ ...job, watch })),
      view: (name) => snapshotter.view(name),
      layersOf,
      commitOf,
      statCacheDirectory: store.paths.statCache,
    }),
    opOf: (vertex) => ops.get(vertex),
    readLocal,
    bring: async (result, ended) =>
      result.kind === 'snapshot' || result.kind === 'local'
        ? result
        : { kind: 'snapshot', name: await trees.snapshotOf(result, { signal: ended }) },
    onLost: (cache, why) =>
      steps.get(cache)?.warn?.(`the cache ${cache.name} is not used any more, its steps run: ${why}`),
  });

  async function importAll(): Promise<readonly ImportedCache[]> {
    const found = await Promise.all(
      (request.cacheFrom ?? []).map((spec) =>
        runPhase(sink, `importing cache manifest from ${nameSource(spec)}`, async (reporter) => {
          try {
            const imported = await importCache(spec, registries, signal);
            for (const cache of imported) steps.set(cache, reporter);
            return imported;
          } catch (error) {
            // On a first run nothing is there.
            if (!signal.aborted) reporter.warn?.(`no cache from ${nameSource(spec)}: ${errorMessage(error)}`);
            return [];
          }
        }),
      ),
    );
    return found.flat();
  }

  const resultsOf = async (vertex: Digest): Promise<readonly OpResult[] | undefined> => {
    const known = made.get(vertex) ?? foreign.hits.get(vertex);
    const identity = keysOf.get(vertex)?.identity;
    if (known !== undefined) return known;
    const defined = identity && storage?.definition(identity)?.identity;
    const stored =
      (identity && (await storage?.load(identity))) ??
      (defined === undefined ? undefined : await storage?.load(defined));
    return stored ?? foreign.peek(vertex);
  };

  /** Of a directory only where it still is what the step's key says of it. */
  const inputOf = async (vertex: Digest, { input }: BuildKitDep): Promise<OpResult | undefined> => {
    const edge = ops.get(vertex)?.inputs[input];
    const source = edge && ops.get(edge.digest);
    if (edge === undefined || source === undefined) return undefined;
    if (source.type !== 'source' || !source.identifier.startsWith('local://')) {
      const result = (await resultsOf(edge.digest))?.[edge.index];
      return result?.kind === 'snapshot' ? result : undefined;
    }
    const result = await readLocal(source);
    const context = { signal, vertex: { log() {}, task() {} } };
    const { deps } = (await solverOps.get(vertex)?.cacheMap(context)) ?? { deps: [] };
    const now = await deps[input]?.computeDigest?.(result, { ...context, source: context.vertex });
    return now !== undefined && now === keysOf.get(vertex)?.inputs[input]?.content ? result : undefined;
  };

  const graphOf = (definition: Definition): BuiltGraph => ({
    definition,
    keyOf: (vertex) => foreign.keyOf(vertex, signal),
    resultsOf,
    async contentOf(vertex, dep) {
      const content = await foreign.contentOf(dep, () => inputOf(vertex, dep), signal);
      const input = (await foreign.keyOf(vertex, signal))?.deps.indexOf(dep) ?? -1;
      return content ?? foreign.importedContent(vertex, input);
    },
  });
  const context = { images, trees, snapshotter, native, registries };

  return {
    foreign,
    watch(definition, cache, watched) {
      storage = cache;
      resolveSource = watched.resolveSource;
      const digests = new Map<Op, Digest>();
      for (const [digest, op] of definition.ops) {
        ops.set(digest, op);
        digests.set(op, digest);
      }
      return (op, about) => {
        const resolved = watched.resolveOp(op, about);
        const digest = digests.get(op);
        if (digest === undefined) return resolved;
        solverOps.set(digest, resolved);
        return {
          cacheMap: (asked) => resolved.cacheMap(asked),
          async exec(inputs, asked) {
            const results = await resolved.exec(inputs, asked);
            made.set(digest, results);
            return results;
          },
        };
      };
    },
    keyed: (vertex, keys) => void keysOf.set(vertex, keys),
    async inlineCache(definition, diffIDs) {
      const wanted = (request.cacheTo ?? []).filter(({ type }) => type === 'inline');
      if (wanted.length === 0 && !wantsInlineCache(request.buildArgs)) return undefined;
      return makeInlineCache(graphOf(definition), context, diffIDs, { signal });
    },
    async exportAll(definition, tree) {
      for (const spec of (request.cacheTo ?? []).filter(isPlaced)) {
        const name = `exporting cache to ${spec.type === 'registry' ? 'registry' : 'client directory'}`;
        await runPhase(sink, name, async (reporter) => {
          const input = { graph: graphOf(definition), tree, warn: (text: string) => reporter.warn?.(text) };
          try {
            await exportCache(spec, input, context, { signal, onTask: reporter.task.bind(reporter) });
          } catch (error) {
            signal.throwIfAborted();
            if (!spec.ignoreError) throw error;
            reporter.warn?.(errorMessage(error));
          }
        });
      }
    },
    async keepFetched() {
      for (const [vertex, results] of foreign.hits) {
        const keys = keysOf.get(vertex);
        const identity = keys?.volatile === false ? keys.identity : undefined;
        const here = await Promise.all(results.map((result) => images.findUnpacked(result)));
        if (identity === undefined || storage === undefined || here.includes(undefined)) continue;
        const snapshots = here.map((name) => ({ kind: 'snapshot', name }) as const);
        await storage.save(identity, snapshots, { name: vertex, vertex });
      }
    },
    async close() {
      await caches;
      await registries.close();
    },
  };
}

function isPlaced(spec: CacheDestinationSpec): spec is PlacedDestination {
  return spec.type !== 'inline';
}
