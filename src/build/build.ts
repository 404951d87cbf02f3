import type { BuildRequest, BuildResult } from '../build-types.ts';
import { compilePatterns } from '../dockerfile/ignore/index.ts';
import { createSecrets, createSshAgents } from '../secrets/index.ts';
import { withWorkspace } from '../workspace.ts';
import { convertDockerfile } from './convert.ts';
import { createEngine } from './engine.ts';
import { privilegeMissing } from './errors.ts';
import { checkContext } from './inputs.ts';
import { loadInputs } from './load.ts';
import { openBuildLog } from './log.ts';
import { exportBuilt, planExport } from './outputs.ts';
import { createShownMetaResolver, solveBuild } from './solve.ts';
import { toVertexWarning } from './warnings.ts';

/**
 * Builds a Dockerfile. The steps: read the inputs, convert them to a graph (bases are resolved here), solve the graph,
 * export what it made. Rejects with a TsbuildError: one that is about the Dockerfile is a DockerfileError and draws a frame.
 */
export async function build(request: BuildRequest): Promise<BuildResult> {
  const plan = planExport(request);
  const context = checkContext(request.context);
  checkPrivilege();
  const signal = request.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  return await withWorkspace(request.root, async (workspace) => {
    const secrets = createSecrets(request.secrets ?? []);
    const sshAgents = createSshAgents(request.ssh ?? [], workspace.store);
    // Held for the whole build: nothing that it reads or has just written is collected meanwhile.
    const lease = await workspace.store.lock('gc', { exclusive: false, wait: true });
    const log = openBuildLog(workspace.store, request.onProgress);
    const sweeping = workspace.sweep();
    // Its failure is seen where it is awaited, which may be later than it happens.
    sweeping.catch(() => {});
    try {
      const { sink, path: logPath } = log;
      const inputs = await loadInputs(request, context, sink);
      const { dockerfile, vertex } = inputs;
      const converted = await convertDockerfile({
        request,
        inputs,
        meta: createShownMetaResolver(workspace, sink, request.pull ?? false),
        onWarning: (warning) => sink({ warnings: [toVertexWarning(warning, vertex, dockerfile)] }),
        signal,
      });
      await sweeping;
      const { patterns } = inputs.ignore;
      const contexts = new Map([['context', { directory: context, ignore: compilePatterns(patterns) }]]);
      const engine = createEngine({ workspace, contexts, secrets, sshAgents, sink });
      const snapshot = await solveBuild({ engine, converted, dockerfile, logPath, signal });
      const exported = await exportBuilt({
        workspace,
        converted,
        snapshot,
        names: request.tags ?? [],
        plan,
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
      log.finish();
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
