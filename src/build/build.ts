import type { BuildRequest, BuildResult } from '../build-types.ts';
import { createDevices } from '../devices/index.ts';
import { native } from '../native/index.ts';
import { createSecrets, createSshAgents } from '../secrets/index.ts';
import type { LocalContext } from '../source/index.ts';
import { withWorkspace } from '../workspace.ts';
import { addDirectories, readContextSpecs, toLayouts } from './context/contexts.ts';
import { resolveEpoch } from './context/epoch.ts';
import { createTreeLoader } from './context/load-tree.ts';
import { closeMain, type MainContext, openMain } from './context/main.ts';
import { convertDockerfile } from './convert.ts';
import { createEngine } from './engine.ts';
import { privilegeMissing } from './errors.ts';
import { loadInputs } from './load.ts';
import { openBuildLog } from './log.ts';
import { exportBuilt, planExport } from './outputs.ts';
import { checkRequirements } from './requirements.ts';
import { createShownMetaResolver, solveBuild } from './solve.ts';
import { toVertexWarning } from './warnings.ts';

/**
 * Builds a Dockerfile. The steps: read the inputs, convert them to a graph (bases are resolved here), solve the graph,
 * export what it made. Rejects with a TsbuildError: one that is about the Dockerfile is a DockerfileError and draws a frame.
 */
export async function build(given: BuildRequest): Promise<BuildResult> {
  // Mistakes in it are told before any work is done.
  planExport(given);
  const specs = readContextSpecs(given);
  checkPrivilege();
  const signal = given.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  return await withWorkspace(given.root, async (workspace) => {
    const secrets = createSecrets(given.secrets ?? []);
    const sshAgents = createSshAgents(given.ssh ?? [], workspace.store);
    const devices = createDevices(given.allow ?? []);
    if (given.secrets?.length || given.ssh?.length) native.forbidCoreDumps();
    // Held for the whole build: nothing that it reads or has just written is collected meanwhile.
    const lease = await workspace.store.lock('gc', { exclusive: false, wait: true });
    const log = await openBuildLog(workspace.store, given.onProgress);
    const sweeping = workspace.sweep();
    // Its failure is seen where it is awaited, which may be later than it happens.
    sweeping.catch(() => {});
    const { sink, path: logPath } = log;
    const directories = new Map<string, LocalContext>();
    const layouts = toLayouts(specs.named);
    let main: MainContext | undefined;
    try {
      main = await openMain(specs.main, async () => workspace, { request: given, sink, signal });
      const engine = createEngine({ workspace, contexts: directories, layouts, secrets, sshAgents, devices, sink });
      const loadTree = createTreeLoader(engine, workspace.snapshotter, signal);
      const inputs = await loadInputs(given, { main, loadTree, sink });
      const { dockerfile, vertex } = inputs;
      const epoch = await resolveEpoch(given, { dockerfile, main, named: specs.named, loadTree });
      const { request } = epoch;
      const converted = await convertDockerfile({
        request,
        inputs,
        main,
        named: specs.named,
        sourceDateEpoch: epoch.globalArg,
        meta: createShownMetaResolver(workspace, layouts, sink, request.pull ?? false),
        onWarning: (warning) => sink({ warnings: [toVertexWarning(warning, vertex, dockerfile)] }),
        signal,
      });
      await checkRequirements(converted.definition, { devices, request, source: dockerfile.text });
      await sweeping;
      await addDirectories(directories, { main, inputs, converted, named: specs.named, sink });
      const snapshot = await solveBuild({ engine, converted, dockerfile, logPath, signal });
      const exported = await exportBuilt({
        workspace,
        converted,
        snapshot,
        names: request.tags ?? [],
        plan: planExport(request, epoch.seconds),
        sink,
        signal,
      });
      return {
        ...exported,
        platform: converted.platform,
        executed: engine.summary.executed,
        cached: engine.summary.cached,
        logPath,
      };
    } finally {
      // An error on the way must not close the store under the sweep.
      await sweeping.catch(() => {});
      await closeMain(main);
      await log.finish();
      secrets.dispose();
      lease?.release();
    }
  });
}

/** Said before any work is done: later it would be an EPERM of some system call. Throws `PRIVILEGE_MISSING`. */
function checkPrivilege(): void {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) throw privilegeMissing(uid);
}
