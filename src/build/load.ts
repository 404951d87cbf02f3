import type { BuildRequest } from '../build-types.ts';
import type { Digest } from '../oci/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { type DockerfileInput, type IgnoreInput, readDockerfile, readIgnore } from './inputs.ts';
import { runPhase } from './phases.ts';

/** The Dockerfile, and the step that read it: what is said of the file is said there. */
export interface Inputs {
  readonly dockerfile: DockerfileInput;
  readonly vertex: Digest;
  readonly ignore: IgnoreInput;
}

/** Reads the Dockerfile and the ignore file of a build, each shown as a step. */
export async function loadInputs(request: BuildRequest, context: string, sink: ProgressSink): Promise<Inputs> {
  const { dockerfile, vertex } = await loadDockerfile(request, context, sink);
  const ignore = await runPhase(sink, '[internal] load .dockerignore', () => readIgnore(dockerfile, context));
  return { dockerfile, vertex, ignore };
}

/** Reads the Dockerfile alone. */
export async function loadDockerfile(
  request: BuildRequest,
  context: string,
  sink: ProgressSink,
): Promise<Pick<Inputs, 'dockerfile' | 'vertex'>> {
  const name = request.dockerfile ?? 'Dockerfile';
  const title = `[internal] load build definition from ${name}`;
  return await runPhase(sink, title, (reporter, vertex) => {
    const dockerfile = readDockerfile(request, context);
    reporter.task('transferring dockerfile:', Buffer.byteLength(dockerfile.text), 0, true);
    return { dockerfile, vertex };
  });
}
