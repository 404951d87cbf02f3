import type { BuildRequest, BuildResult, OutputSpec } from '../build-types.ts';
import { dockerfileToLLB } from '../dockerfile/convert/index.ts';
import type { ConvertResult } from '../dockerfile/convert/types.ts';
import { DockerfileError } from '../dockerfile/errors.ts';
import { exportResult } from '../exporter/index.ts';
import { native } from '../native/index.ts';
import { formatPlatform, hostPlatform } from '../oci/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { type Workspace, withWorkspace } from '../workspace.ts';
import { pushNeedsName } from './errors.ts';
import { checkContext, type DockerfileInput, type IgnoreInput, readDockerfile, readIgnore } from './inputs.ts';
import { openBuildLog } from './log.ts';
import { runPhase } from './phases.ts';
import { createShownMetaResolver, solveBuild } from './solve.ts';

/**
 * Builds a Dockerfile. The steps: read the inputs, convert them to a graph (bases are resolved here), solve the graph,
 * export what it made. Rejects with a TsbuildError: one that is about the Dockerfile is a DockerfileError and draws a frame.
 */
export async function build(request: BuildRequest): Promise<BuildResult> {
  const outputs = outputsOf(request);
  const context = checkContext(request.context);
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
      const { dockerfile, ignore } = await loadInputs(request, context, sink);
      const converted = await convert(request, workspace, dockerfile, sink, signal);
      await sweeping;
      const { snapshot, summary } = await solveBuild({
        workspace,
        converted,
        context,
        dockerfile,
        ignore,
        sink,
        logPath,
        signal,
      });
      const exported = await exportBuilt(request, workspace, converted, snapshot, outputs, sink, signal);
      return {
        ...exported,
        platform: converted.platform,
        executed: summary.executed,
        cached: summary.cached,
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

function outputsOf(request: BuildRequest): readonly OutputSpec[] {
  const outputs = [...(request.outputs ?? [])];
  if (request.push) {
    const image = outputs.findIndex((output) => output.type === 'image');
    if (image >= 0) outputs[image] = { ...outputs[image], type: 'image', push: true };
    else outputs.push({ type: 'image', push: true });
  }
  if (outputs.length === 0) outputs.push({ type: 'image' });
  const pushesNameless = outputs.some((output) => output.type === 'image' && output.push && output.name === undefined);
  if (pushesNameless && (request.tags ?? []).length === 0) throw pushNeedsName();
  return outputs;
}

async function loadInputs(
  request: BuildRequest,
  context: string,
  sink: ProgressSink,
): Promise<{ dockerfile: DockerfileInput; ignore: IgnoreInput }> {
  const name = request.dockerfile ?? 'Dockerfile';
  const dockerfile = await runPhase(sink, `[internal] load build definition from ${name}`, (reporter) => {
    const input = readDockerfile(request, context);
    reporter.task('transferring dockerfile:', Buffer.byteLength(input.text), 0, true);
    return input;
  });
  const ignore = await runPhase(sink, '[internal] load .dockerignore', () => readIgnore(dockerfile, context));
  return { dockerfile, ignore };
}

async function convert(
  request: BuildRequest,
  workspace: Workspace,
  dockerfile: DockerfileInput,
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
      meta: createShownMetaResolver(workspace, sink, request.pull ?? false),
      signal,
      ...(request.target === undefined ? {} : { target: request.target }),
    });
  } catch (error) {
    if (error instanceof DockerfileError) throw error.locate({ file: dockerfile.fileName, source: dockerfile.text });
    throw error;
  }
}

async function exportBuilt(
  request: BuildRequest,
  workspace: Workspace,
  converted: ConvertResult,
  snapshot: string | undefined,
  outputs: readonly OutputSpec[],
  sink: ProgressSink,
  signal: AbortSignal,
): Promise<Pick<BuildResult, 'imageID' | 'descriptor' | 'names'>> {
  const { image, platform } = converted;
  const built = {
    snapshot,
    platform,
    config: image.config,
    history: image.history,
    ...(image.baseConfig === undefined ? {} : { baseConfig: image.baseConfig }),
    ...(image.author === undefined ? {} : { author: image.author }),
  };
  const name = `exporting to ${outputs.map((output) => output.type).join(', ')}`;
  const { imageID, descriptor, names } = await runPhase(sink, name, ({ task }) =>
    exportResult(built, outputs, {
      ...workspace,
      native,
      names: request.tags ?? [],
      onTask: task,
      signal,
    }),
  );
  return {
    names,
    ...(imageID === undefined ? {} : { imageID }),
    ...(descriptor === undefined ? {} : { descriptor }),
  };
}
