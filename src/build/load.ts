import type { BuildRequest } from '../build-types.ts';
import type { Digest } from '../oci/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { findDockerfile, type TreeLoader } from './context/dockerfile.ts';
import type { MainContext } from './context/main.ts';
import { type DockerfileInput, type IgnoreInput, NO_IGNORE, readIgnore } from './inputs.ts';
import { runPhase } from './phases.ts';

/** The Dockerfile, and the step that read it: what is said of the file is said there. */
export interface Inputs {
  readonly dockerfile: DockerfileInput;
  readonly vertex: Digest;
  readonly ignore: IgnoreInput;
}

/** What inputs are read from. */
export interface InputPlaces {
  readonly main: MainContext;
  /** Fetches what lies elsewhere. */
  readonly loadTree: TreeLoader;
  readonly sink: ProgressSink;
}

/** Reads the Dockerfile and the ignore file of a build, each shown as a step. Only a directory has one: as BuildKit does. */
export async function loadInputs(request: BuildRequest, places: InputPlaces): Promise<Inputs> {
  const { dockerfile, vertex } = await loadDockerfile(request, places);
  const { main, sink } = places;
  const ignore =
    main.type === 'directory'
      ? await runPhase(sink, '[internal] load .dockerignore', () => readIgnore(dockerfile, main.directory))
      : NO_IGNORE;
  return { dockerfile, vertex, ignore };
}

/** Reads the Dockerfile alone. */
export async function loadDockerfile(
  request: BuildRequest,
  { main, loadTree, sink }: InputPlaces,
): Promise<Pick<Inputs, 'dockerfile' | 'vertex'>> {
  const found = await findDockerfile(request, main, loadTree);
  const title = `[internal] load build definition from ${found.name}`;
  return await runPhase(sink, title, (reporter, vertex) => {
    const dockerfile = found.read();
    reporter.task('transferring dockerfile:', Buffer.byteLength(dockerfile.text), 0, true);
    return { dockerfile, vertex };
  });
}
