import type { BuildRequest } from '../../build-types.ts';
import { DockerfileError } from '../../dockerfile/errors.ts';
import { listStages, type Outline, outlineStages, type TargetList } from '../../dockerfile/outline/index.ts';
import { hostPlatform } from '../../oci/index.ts';
import { loadDockerfile } from '../load.ts';
import { openPlaces } from './places.ts';

/**
 * `docker build --call=outline`: the arguments, secrets, ssh agents and caches that the target takes. Reads nothing but the
 * Dockerfile: no store, no image.
 */
export async function outlineDockerfile(request: BuildRequest): Promise<Outline> {
  const buildPlatform = hostPlatform();
  return await readDockerfile(request, (text) =>
    outlineStages(text, {
      buildArgs: request.buildArgs ?? {},
      buildPlatform,
      targetPlatform: request.platform ?? buildPlatform,
      ...(request.target === undefined ? {} : { target: request.target }),
    }),
  );
}

/** `docker build --call=targets`: the stages of the Dockerfile. Reads nothing but that. */
export async function listTargets(request: BuildRequest): Promise<TargetList> {
  return await readDockerfile(request, listStages);
}

async function readDockerfile<T>(request: BuildRequest, read: (text: string) => T): Promise<T> {
  const signal = request.signal ?? new AbortController().signal;
  const places = await openPlaces(request, request.onProgress ?? (() => {}), signal);
  try {
    const { dockerfile } = await loadDockerfile(request, places);
    try {
      return read(dockerfile.text);
    } catch (error) {
      if (!(error instanceof DockerfileError)) throw error;
      throw error.locate({ file: dockerfile.fileName, source: dockerfile.text });
    }
  } finally {
    await places.close();
  }
}
