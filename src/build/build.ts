import type { BuildRequest, BuildResult } from '../build-types.ts';
import type { LintWarning } from '../dockerfile/lint/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import type { LocalContext } from '../source/index.ts';
import { type Workspace, withWorkspace } from '../workspace.ts';
import { addDirectories, type ContextSpecs, readContextSpecs, toLayouts } from './context/contexts.ts';
import { resolveEpoch } from './context/epoch.ts';
import { createTreeLoader } from './context/load-tree.ts';
import { closeMain, type MainContext, openMain } from './context/main.ts';
import { convertDockerfile } from './convert.ts';
import { createEngine } from './engine.ts';
import { privilegeMissing } from './errors.ts';
import { type Holdings, takeHoldings } from './holdings.ts';
import { loadInputs } from './load.ts';
import type { MountTravel } from './mount-travel.ts';
import { exportBuilt, planExport } from './outputs.ts';
import { createLatePins } from './remote/late-pins.ts';
import { checkRequirements } from './requirements.ts';
import { createShownMetaResolver, solveBuild } from './solve.ts';
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
  return await withWorkspace(
    request.root,
    async (workspace) => {
      const directory = specs.main.type === 'directory' ? specs.main.path : undefined;
      const holdings = await takeHoldings(workspace, request, directory);
      const { recorder } = holdings.log;
      const travel = await openTravel(request, workspace, holdings.log.sink, signal);
      let main: MainContext | undefined;
      try {
        main = await openMain(specs.main, async () => workspace, { request, sink: holdings.log.sink, signal });
        const result = await runBuild(request, { workspace, holdings, main, named: specs.named, travel, signal });
        recorder.finish({ result });
        return result;
      } catch (error) {
        recorder.finish({ error, canceled: signal.aborted });
        throw error;
      } finally {
        // An error on the way must not close the store under the sweep.
        await holdings.sweeping.catch(() => {});
        await closeMain(main);
        await travel?.close();
        await holdings.release();
      }
    },
    request,
  );
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
  readonly travel: MountTravel | undefined;
  readonly signal: AbortSignal;
}

async function runBuild(
  given: BuildRequest,
  { workspace, holdings, main, named, travel, signal }: Opened,
): Promise<BuildResult> {
  const { secrets, sshAgents, devices, sweeping, log } = holdings;
  const { sink, path: logPath, recorder } = log;
  const contexts = new Map<string, LocalContext>();
  const layouts = toLayouts(named);
  const pinning = given.offline || given.locked ? await import('./remote/convert-pinned.ts') : undefined;
  const pins = given.locked ? createLatePins() : undefined;
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
  });
  const loadTree = createTreeLoader(engine, workspace.snapshotter, signal);
  const inputs = await loadInputs(given, { main, loadTree, sink }).catch((error: unknown) => {
    throw pinning?.explainUnloaded(error, given, main) ?? error;
  });
  const { dockerfile, vertex } = inputs;
  const lockPath = pins && pinning?.bindLock(pins, given, dockerfile, main);
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
  const converted = await (pinning?.convertPinned({ ...conversion, engine, sink, lockPath }) ??
    convertDockerfile(conversion));
  const { ignore } = inputs;
  recorder.inputs({ dockerfile: { ...dockerfile, name: dockerfile.fileName }, platform: converted.platform, ignore });
  await checkRequirements(converted.definition, { devices, request, source: dockerfile.text });
  await sweeping;
  await addDirectories(contexts, { main, inputs, converted, named, request, sink });
  const tree = await solveBuild({ engine, converted, dockerfile, logPath, signal }).catch(async (error: unknown) => {
    throw (await pinning?.explainOffline(error, { request, inputs, converted, engine, signal })) ?? error;
  });
  const plan = planExport(request, seconds);
  const names = request.tags ?? [];
  const exported = await exportBuilt({ workspace, converted, tree, names, plan, sink, signal });
  await travel?.exportUsed();
  const { executed, cached } = engine.summary;
  return { ...exported, platform: converted.platform, executed, cached, id: recorder.id, logPath };
}

/** Said before any work is done: later it would be an EPERM of some system call. Throws `PRIVILEGE_MISSING`. */
function checkPrivilege(): void {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) throw privilegeMissing(uid);
}
