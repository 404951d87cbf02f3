import type { BuildRequest } from '../../build-types.ts';
import type { Lockfile, Pins } from '../../lockfile/index.ts';
import { formatPlatform, hostPlatform, type Platform, parsePlatform } from '../../oci/index.ts';
import { type CallPlaces, openPlaces } from '../call/places.ts';
import type { ConversionInput } from '../convert.ts';
import type { DockerfileInput, IgnoreInput } from '../inputs.ts';
import { NO_IGNORE } from '../inputs.ts';
import { loadDockerfile } from '../load.ts';
import { contextNames } from '../remote/missing.ts';
import type { LockRequest } from './types.ts';

/** A Dockerfile that is looked at for its lock file. */
export interface LockPlaces {
  readonly places: CallPlaces;
  readonly dockerfile: DockerfileInput;
  /** Names that the command line gives, and that no lock file has. */
  readonly except: readonly string[];
  readonly signal: AbortSignal;
}

/** Reads the Dockerfile, does `work`, and closes what was opened for it. */
export async function withLockPlaces<T>(
  request: LockRequest,
  pins: Pins | undefined,
  work: (places: LockPlaces) => Promise<T>,
): Promise<T> {
  const signal = request.signal ?? new AbortController().signal;
  const places = await openPlaces(request, request.onProgress ?? (() => {}), signal, pins);
  try {
    const { dockerfile } = await loadDockerfile(request, places);
    return await work({ places, dockerfile, except: contextNames(places.main), signal });
  } finally {
    await places.close();
  }
}

/** What a lock file was made for stays, where nothing else is asked for. */
export function settleRequest(
  request: LockRequest,
  before: Lockfile | undefined,
): { readonly request: BuildRequest; readonly platforms: readonly Platform[] } {
  const { platforms: _, update: __, upgrade: ___, fetch: ____, write: _____, ...given } = request;
  const target = request.target ?? before?.target;
  const known = (before?.platforms ?? []).map((text) => parsePlatform(text));
  const platforms = request.platforms ?? (known.length === 0 ? [hostPlatform()] : known);
  return {
    request: {
      ...given,
      buildArgs: { ...Object.fromEntries(before?.args ?? []), ...request.buildArgs },
      ...(target === undefined ? {} : { target }),
    },
    platforms: [...new Map(platforms.map((platform) => [formatPlatform(platform), platform])).values()],
  };
}

/** The conversion of all stages, or of those that the target needs, for one platform. Nobody is told what the checks find. */
export function lockConversion(
  { places, dockerfile, signal }: LockPlaces,
  request: BuildRequest,
  platform: Platform,
  meta: ConversionInput['meta'],
): ConversionInput {
  const ignore: IgnoreInput = NO_IGNORE;
  return {
    request: { ...request, platform },
    inputs: { dockerfile, vertex: NO_VERTEX, ignore },
    main: places.main,
    named: places.named,
    meta,
    onWarning: () => {},
    signal,
    allStages: request.target === undefined,
  };
}

const NO_VERTEX = `sha256:${'0'.repeat(64)}` as const;
