import type { BuildRequest } from '../build-types.ts';
import { type ConvertResult, dockerfileToLLB, type MetaResolver } from '../dockerfile/convert/index.ts';
import { DockerfileError } from '../dockerfile/errors.ts';
import type { WarningSink } from '../dockerfile/lint/index.ts';
import { formatPlatform, hostPlatform } from '../oci/index.ts';
import { type ContextSpecs, toNamedContexts } from './context/contexts.ts';
import type { MainContext } from './context/main.ts';
import { createContextReader } from './context-files.ts';
import type { Inputs } from './load.ts';

/** Converts a build's Dockerfile, to build it or to check it. Errors know the file and draw its lines. */
export async function convertDockerfile(conversion: ConversionInput): Promise<ConvertResult> {
  const { request, inputs, main, named, meta, onWarning, signal, sourceDateEpoch, allStages = false } = conversion;
  const { dockerfile, ignore } = inputs;
  const buildPlatform = hostPlatform();
  const targetPlatform = request.platform ?? buildPlatform;
  try {
    return await dockerfileToLLB({
      source: dockerfile.text,
      fileName: dockerfile.fileName,
      buildArgs: request.buildArgs ?? {},
      targetPlatform,
      buildPlatform,
      platformFromBase: request.platform === undefined,
      multiPlatform: formatPlatform(targetPlatform) !== formatPlatform(buildPlatform),
      labels: request.labels ?? {},
      noCache: request.noCache ?? false,
      noCacheFilter: request.noCacheFilter ?? [],
      network: request.network ?? 'default',
      extraHosts: request.extraHosts ?? [],
      namedContexts: toNamedContexts(named),
      meta,
      onWarning,
      allStages,
      signal,
      ...(main.type === 'remote' ? { mainContext: main.source } : {}),
      ...(main.type === 'directory' ? { readContextFile: createContextReader(main.directory) } : {}),
      ...(ignore.path === undefined ? {} : { ignoreFile: { name: ignore.name, lines: ignore.lines } }),
      ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }),
      ...(request.onNote === undefined ? {} : { onNote: request.onNote }),
      ...(request.target === undefined ? {} : { target: request.target }),
    });
  } catch (error) {
    if (error instanceof DockerfileError) throw error.locate({ file: dockerfile.fileName, source: dockerfile.text });
    throw error;
  }
}

export interface ConversionInput {
  readonly request: BuildRequest;
  readonly inputs: Inputs;
  readonly main: MainContext;
  readonly named: ContextSpecs['named'];
  readonly meta: MetaResolver;
  readonly onWarning: WarningSink;
  readonly signal: AbortSignal;
  /** What an ARG of that name before the first FROM means. */
  readonly sourceDateEpoch?: string | undefined;
  /** Not only what the target needs. */
  readonly allStages?: boolean;
}
