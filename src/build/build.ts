import type { BuildRequest, BuildResult } from '../build-types.ts';
import type { LintWarning } from '../dockerfile/lint/index.ts';
import { errorCode } from '../errors.ts';
import type { ProgressSink } from '../progress/events.ts';
import type { LayoutContexts, LocalContext } from '../source/index.ts';
import { type Workspace, withWorkspace } from '../workspace.ts';
import { addDirectories, type ContextSpecs, readContextSpecs, toLayouts } from './context/contexts.ts';
import { resolveEpoch } from './context/epoch.ts';
import { createTreeLoader } from './context/load-tree.ts';
import { closeMain, type MainContext, openMain } from './context/main.ts';
import { convertDockerfile } from './convert.ts';
import { createEngine, type Engine } from './engine.ts';
import { privilegeMissing } from './errors.ts';
import type { CacheExchange, ExchangeOptions } from './exchange.ts';
import { type Holdings, takeHoldings } from './holdings.ts';
import { loadInputs } from './load.ts';
import type { MountTravel } from './mount-travel.ts';
import { exportBuilt, planExport } from './outputs.ts';
import { checkRequirements } from './requirements.ts';
import { createShownMetaResolver, solveBuild } from './solve.ts';
import { beginUpkeep, checkUpkeep } from './upkeep.ts';
import { toVertexWarning } from './warnings.ts';

/**
 * Builds a Dockerfile. The steps: read the inputs, convert them to a graph (bases are resolved here), solve the graph,
 * export what it made. Rejects with a TsbuildError: one that is about the Dockerfile is a DockerfileError and draws a frame.
 */
export async function build(request: BuildRequest): Promise<BuildResult> {
  // Mistakes in it are told before any work is done.
  planExport(request);
  const specs = readContextSpecs(request);
  checkPrivilege();
  const signal = request.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  let keepUp: (() => void) | undefined;
  const result = withWorkspace(
    request.root,
    async (workspace) => {
      await checkUpkeep(workspace);
      keepUp = beginUpkeep(workspace);
      const directory = specs.main.type === 'directory' ? specs.main.path : undefined;
      const holdings = await takeHoldings(workspace, request, directory);
      const { recorder, sink } = holdings.log;
      const travel = await openTravel(request, workspace, sink, signal);
      const contexts = new Map<string, LocalContext>();
      const layouts = toLayouts(specs.named);
      const exchange = await openExchange({ workspace, request, contexts, layouts, sink, signal });
      let main: MainContext | undefined;
      try {
        main = await openMain(specs.main, async () => workspace, { request, sink, signal });
        const { named } = specs;
        const opened = { workspace, holdings, main, named, contexts, layouts, travel, exchange, signal };
        return await runBuild(request, opened);
      } catch (error) {
        recorder.finish({ error, canceled: signal.aborted });
        throw error;
      } finally {
        // An error on the way must not close the store under the sweep.
        await holdings.sweeping.catch(() => {});
        await closeMain(main);
        await travel?.close();
        await exchange?.close();
        await holdings.release();
      }
    },
    request,
  );
  return await result.finally(() => keepUp?.());
}

/** Its code is loaded by builds whose caches travel. */
async function openTravel(
  request: BuildRequest,
  workspace: Workspace,
  sink: ProgressSink,
  signal: AbortSignal,
): Promise<MountTravel | undefined> {
  if (!request.cacheMountsFrom?.length && !request.cacheMountsTo?.length) return undefined;
  const { createMountTravel } = await import('./mount-travel.ts');
  return createMountTravel({ workspace, request, sink, signal });
}

interface Opened {
  readonly workspace: Workspace;
  readonly holdings: Holdings;
  readonly main: MainContext;
  readonly named: ContextSpecs['named'];
  readonly contexts: Map<string, LocalContext>;
  readonly layouts: LayoutContexts;
  readonly travel: MountTravel | undefined;
  readonly exchange: CacheExchange | undefined;
  readonly signal: AbortSignal;
}

async function runBuild(
  given: BuildRequest,
  { workspace, holdings, main, named, contexts, layouts, travel, exchange, signal }: Opened,
): Promise<BuildResult> {
  const { secrets, sshAgents, devices, sweeping, log } = holdings;
  const { sink, path: logPath, recorder } = log;
  const pinning = given.offline || given.locked ? await import('./remote/convert-pinned.ts') : undefined;
  const locking = given.locked ? await import('./remote/late-pins.ts') : undefined;
  const pins = locking?.createLatePins();
  const engine = createEngine({
    workspace,
    contexts,
    layouts,
    secrets,
    sshAgents,
    devices,
    pins,
    recorder,
    sink,
    ...(travel && { beforeMount: travel.beforeUse }),
    exchange,
    maxParallelism: given.maxParallelism,
  });
  const loadTree = createTreeLoader(engine, workspace.snapshotter, signal);
  const inputs = await loadInputs(given, { main, loadTree, sink }).catch((error: unknown) => {
    throw pinning?.explainUnloaded(error, given, main) ?? error;
  });
  const { dockerfile, vertex } = inputs;
  const bound = pins && locking?.bindLock(pins, given, dockerfile, main);
  const { request, globalArg, seconds } = await resolveEpoch(given, { dockerfile, main, named, loadTree });
  const conversion = {
    request,
    inputs,
    main,
    named,
    sourceDateEpoch: globalArg,
    meta: createShownMetaResolver(workspace, layouts, sink, request, pins),
    onWarning: (warning: LintWarning) => sink({ warnings: [toVertexWarning(warning, vertex, dockerfile)] }),
    signal,
  };
  const converted = await (pinning?.convertPinned({ ...conversion, engine, sink, bound }) ??
    convertDockerfile(conversion));
  const { stageNames } = converted;
  const guard = given.failOnMiss && (await import('./misses.ts')).createMissGuard(given.failOnMiss, stageNames);
  const { ignore } = inputs;
  recorder.inputs({ dockerfile: { ...dockerfile, name: dockerfile.fileName }, platform: converted.platform, ignore });
  await checkRequirements(converted.definition, { devices, request, source: dockerfile.text });
  await sweeping;
  await addDirectories(contexts, { main, inputs, converted, named, request, sink });
  const plan = planExport(request, seconds);
  const names = request.tags ?? [];
  const exported = await withoutLostCaches(given, engine, async () => {
    const tree = await solveBuild({ engine, converted, dockerfile, logPath, buildId: recorder.id, signal });
    const image = await exportBuilt({ workspace, converted, tree, names, plan, exchange, sink, signal });
    await exchange?.exportAll(converted.definition, tree);
    return image;
  }).catch(async (error: unknown) => {
    throw (await pinning?.explainOffline(error, { request, inputs, converted, engine, signal })) ?? error;
  });
  await exchange?.keepFetched();
  await travel?.exportUsed();
  const { executed, cached } = engine.summary;
  recorder.finish({ result: exported });
  const result = { ...exported, platform: converted.platform, executed, cached, id: recorder.id, logPath };
  guard?.refuse(recorder, result);
  return result;
}

/** Its code is loaded by builds that take caches from elsewhere or leave some there. */
async function openExchange(options: ExchangeOptions): Promise<CacheExchange | undefined> {
  const { cacheFrom, cacheTo, buildArgs } = options.request;
  if (!cacheFrom?.length && !cacheTo?.length && buildArgs?.BUILDKIT_INLINE_CACHE === undefined) return undefined;
  const { createExchange } = await import('./exchange.ts');
  return createExchange(options);
}

/** A layer that an imported cache turns out not to have is made anew; each cache is lost once. */
async function withoutLostCaches<T>(
  { cacheFrom = [] }: BuildRequest,
  engine: Engine,
  work: () => Promise<T>,
): Promise<T> {
  for (let left = cacheFrom.length; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (errorCode(error) !== 'CACHE_LAYER_LOST' || left <= 0) throw error;
      engine.startAgain();
    }
  }
}

/** Said before any work is done: later it would be an EPERM of some system call. Throws `PRIVILEGE_MISSING`. */
function checkPrivilege(): void {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) throw privilegeMissing(uid);
}
