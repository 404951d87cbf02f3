import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildRequest } from '../../build-types.ts';
import { EPOCH_ARG, type EpochSpec, findEpoch } from '../../dockerfile/convert/index.ts';
import type { SourceContext } from '../../dockerfile/convert/types.ts';
import { DockerfileError } from '../../dockerfile/errors.ts';
import { hostPlatform } from '../../oci/index.ts';
import type { DockerfileInput } from '../inputs.ts';
import { type ContextSpecs, toNamedContexts } from './contexts.ts';
import type { TreeLoader } from './dockerfile.ts';
import type { MainContext } from './main.ts';

/** The time that a build is to have. */
export interface ResolvedEpoch {
  /** The request with the time in the place of a name. */
  readonly request: BuildRequest;
  readonly seconds?: number;
  /** What the ARG before the first FROM means, where that sets the time. */
  readonly globalArg?: string;
}

/** What the time may be taken from. */
export interface EpochPlaces {
  readonly dockerfile: DockerfileInput;
  readonly main: MainContext;
  readonly named: ContextSpecs['named'];
  readonly loadTree: TreeLoader;
}

/**
 * Settles `SOURCE_DATE_EPOCH`, from `--build-arg` or an ARG before the first FROM: seconds, or what is as old as it is meant: the time of the
 * commit, of the Last-Modified header, or else of the newest file in a tar. A directory has no time that two machines would agree on: then it
 * is not set. Throws `DOCKERFILE_STAGE`, `BUILD_ARG_INVALID`.
 */
export async function resolveEpoch(request: BuildRequest, places: EpochPlaces): Promise<ResolvedEpoch> {
  const spec = readSpec(request, places);
  if (spec === undefined) return { request };
  const seconds = await findTime(spec, places);
  const text = seconds === undefined ? {} : { seconds };
  const { [EPOCH_ARG]: given, ...others } = request.buildArgs ?? {};
  if (given === undefined) return { request, ...text, globalArg: seconds === undefined ? '' : String(seconds) };
  const buildArgs = seconds === undefined ? others : { ...others, [EPOCH_ARG]: String(seconds) };
  return { request: { ...request, buildArgs }, ...text };
}

function readSpec(request: BuildRequest, { dockerfile, named }: EpochPlaces): EpochSpec | undefined {
  const buildPlatform = hostPlatform();
  try {
    return findEpoch({
      source: dockerfile.text,
      buildArgs: request.buildArgs ?? {},
      buildPlatform,
      targetPlatform: request.platform ?? buildPlatform,
      namedContexts: toNamedContexts(named),
      ...(request.target === undefined ? {} : { target: request.target }),
    });
  } catch (error) {
    if (error instanceof DockerfileError) throw error.locate({ file: dockerfile.fileName, source: dockerfile.text });
    throw error;
  }
}

/** Seconds since 1970. */
async function findTime(spec: EpochSpec, { main, loadTree }: EpochPlaces): Promise<number | undefined> {
  switch (spec.type) {
    case 'seconds':
      return Number(spec.text);
    case 'source':
      return timeOf(spec.source, loadTree);
    case 'context':
      if (main.type === 'stream') return newestFile(main.directory);
      return main.type === 'remote' ? timeOf(main.source, loadTree) : undefined;
    default:
      return undefined;
  }
}

async function timeOf(context: SourceContext, loadTree: TreeLoader): Promise<number | undefined> {
  const { archive, ...source } = context;
  // The same commit, its files with the commit's time.
  if (archive === undefined)
    return newestFile(await loadTree({ ...source, attrs: { ...source.attrs, 'git.mtime': 'commit' } }));
  const modified = lstatSync(join(await loadTree(source), archive)).mtimeMs;
  return modified > 0 ? toSeconds(modified) : newestFile(await loadTree(context));
}

/** Folders do not count: those that a tar does not name are as old as their unpacking. */
function newestFile(root: string): number | undefined {
  let newest: number | undefined;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else newest = Math.max(newest ?? 0, toSeconds(lstatSync(path).mtimeMs));
    }
  }
  return newest;
}

function toSeconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
