import type { BuildRequest, BuildResult } from '../build-types.ts';
import { dockerfileToLLB } from '../dockerfile/convert/index.ts';
import type { ConvertResult } from '../dockerfile/convert/types.ts';
import { DockerfileError } from '../dockerfile/errors.ts';
import { compilePatterns } from '../dockerfile/ignore/index.ts';
import { type Digest, formatPlatform, hostPlatform } from '../oci/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { type Workspace, withWorkspace } from '../workspace.ts';
import { createEngine } from './engine.ts';
import { privilegeMissing } from './errors.ts';
import { checkContext, type DockerfileInput, type IgnoreInput, readDockerfile, readIgnore } from './inputs.ts';
import { openBuildLog } from './log.ts';
import { exportBuilt, planExport } from './outputs.ts';
import { runPhase } from './phases.ts';
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
    // Held for the whole build: nothing that it reads or has just written is collected meanwhile.
    const lease = await workspace.store.lock('gc', { exclusive: false, wait: true });
    const log = openBuildLog(workspace.store, request.onProgress);
    const sweeping = workspace.sweep();
    // Its failure is seen where it is awaited, which may be later than it happens.
    sweeping.catch(() => {});
    try {
      const { sink, path: logPath } = log;
      const inputs = await loadInputs(request, context, sink);
      const converted = await convert(request, workspace, inputs, sink, signal);
      await sweeping;
      const { patterns } = inputs.ignore;
      const contexts = new Map([['context', { directory: context, ignore: compilePatterns(patterns) }]]);
      const engine = createEngine({ workspace, contexts, sink });
      const snapshot = await solveBuild({ engine, converted, dockerfile: inputs.dockerfile, logPath, signal });
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
      lease?.release();
    }
  });
}

/** Said before any work is done: later it would be an EPERM of some system call. Throws `PRIVILEGE_MISSING`. */
function checkPrivilege(): void {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) throw privilegeMissing(uid);
}

/** The Dockerfile, and the step that read it: what is said of the file is said there. */
interface Inputs {
  readonly dockerfile: DockerfileInput;
  readonly vertex: Digest;
  readonly ignore: IgnoreInput;
}

async function loadInputs(request: BuildRequest, context: string, sink: ProgressSink): Promise<Inputs> {
  const name = request.dockerfile ?? 'Dockerfile';
  const title = `[internal] load build definition from ${name}`;
  const { dockerfile, vertex } = await runPhase(sink, title, (reporter, digest) => {
    const input = readDockerfile(request, context);
    reporter.task('transferring dockerfile:', Buffer.byteLength(input.text), 0, true);
    return { dockerfile: input, vertex: digest };
  });
  const ignore = await runPhase(sink, '[internal] load .dockerignore', () => readIgnore(dockerfile, context));
  return { dockerfile, vertex, ignore };
}

async function convert(
  request: BuildRequest,
  workspace: Workspace,
  { dockerfile, vertex }: Inputs,
  sink: ProgressSink,
  signal: AbortSignal,
): Promise<ConvertResult> {
  const buildPlatform = hostPlatform();
  const targetPlatform = request.platform ?? buildPlatform;
  try {
    return await dockerfileToLLB({
      source: dockerfile.text,
      fileName: dockerfile.fileName,
      buildArgs: request.buildArgs ?? {},
      targetPlatform,
      buildPlatform,
      multiPlatform: formatPlatform(targetPlatform) !== formatPlatform(buildPlatform),
      labels: request.labels ?? {},
      noCache: request.noCache ?? false,
      noCacheFilter: request.noCacheFilter ?? [],
      network: request.network ?? 'default',
      extraHosts: request.extraHosts ?? [],
      meta: createShownMetaResolver(workspace, sink, request.pull ?? false),
      onWarning: (warning) => sink({ warnings: [toVertexWarning(warning, vertex, dockerfile)] }),
      signal,
      ...(request.target === undefined ? {} : { target: request.target }),
    });
  } catch (error) {
    if (error instanceof DockerfileError) throw error.locate({ file: dockerfile.fileName, source: dockerfile.text });
    throw error;
  }
}
