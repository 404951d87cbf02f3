import type {
  AnnotationSpec,
  BuildRequest,
  CacheDestinationSpec,
  CacheMountFrom,
  CacheMountTo,
  CacheSourceSpec,
  ContextMode,
  OutputSpec,
  PullPolicy,
  SecretSpec,
  SshSpec,
} from '../../build-types.ts';
import type { ProgressMode } from '../../progress/display.ts';
import { type Context, libraryOptions, readSwitch } from '../context.ts';
import { readBuildArgFiles } from '../flags/build-arg-file.ts';
import type { ExtraHost } from '../flags/hosts.ts';
import type { UnsupportedSwitches } from '../flags/unsupported.ts';
import {
  CONTEXT_MODES,
  type NETWORK_MODES,
  parseBuildArgs,
  parseLabels,
  readParallelism,
  readPlatform,
} from '../flags/values.ts';
import { invalidFlag } from '../usage-errors.ts';
import type { Call } from './build-call.ts';
import type { ExplainFormat } from './build-explain.ts';

/** What the command line of `build` gives, each flag by its name. */
export interface BuildFlags extends UnsupportedSwitches {
  readonly addHost?: readonly ExtraHost[];
  readonly allow?: readonly string[];
  readonly annotation?: readonly AnnotationSpec[];
  readonly buildArg?: readonly string[];
  readonly buildArgFile?: readonly string[];
  readonly buildContext?: Readonly<Record<string, string>>;
  readonly cacheFrom?: readonly CacheSourceSpec[];
  readonly cacheTo?: readonly CacheDestinationSpec[];
  readonly cacheMountFrom?: readonly CacheMountFrom[];
  readonly cacheMountTo?: readonly CacheMountTo[];
  readonly call?: Call;
  readonly contextMode?: ContextMode;
  readonly noCache?: boolean;
  readonly explainCache?: ExplainFormat;
  readonly failOnMiss?: true | readonly string[];
  readonly file?: string;
  readonly iidfile?: string;
  readonly label?: readonly string[];
  readonly load?: boolean;
  readonly maxParallelism?: number;
  readonly metadataFile?: string;
  readonly network?: (typeof NETWORK_MODES)[number];
  readonly noCacheFilter?: readonly string[];
  readonly output?: readonly OutputSpec[];
  readonly platform?: string;
  readonly progress?: ProgressMode;
  readonly locked?: boolean;
  readonly lockFile?: string;
  readonly offline?: boolean;
  readonly pull?: boolean | PullPolicy;
  readonly push?: boolean;
  readonly quiet?: boolean;
  readonly secret?: readonly SecretSpec[];
  readonly squash?: boolean;
  readonly ssh?: readonly SshSpec[];
  readonly tag?: readonly string[];
  readonly target?: string;
}

/** The flags as the library takes them; what the environment says counts where no flag does. Throws `FLAG_INVALID`. */
export function readRequest(
  context: Context,
  flags: BuildFlags,
  outputs: readonly OutputSpec[],
): Omit<BuildRequest, 'context' | 'contextStream' | 'dockerfile' | 'dockerfileText'> {
  const platform = flags.platform ?? context.env.DOCKER_DEFAULT_PLATFORM;
  return {
    ...libraryOptions(context),
    buildArgs: parseBuildArgs([...readBuildArgFiles(flags.buildArgFile ?? []), ...(flags.buildArg ?? [])], context.env),
    labels: parseLabels(flags.label ?? []),
    ...(flags.buildContext === undefined ? {} : { buildContexts: flags.buildContext }),
    contextMode: chooseContextMode(context, flags),
    maxParallelism: flags.maxParallelism ?? readParallelism(MAX_PARALLELISM, context.env[MAX_PARALLELISM] || '0'),
    noCache: flags.noCache === true,
    ...(flags.noCacheFilter === undefined ? {} : { noCacheFilter: flags.noCacheFilter }),
    ...(flags.network === undefined ? {} : { network: flags.network }),
    ...(flags.addHost === undefined ? {} : { extraHosts: flags.addHost }),
    ...(flags.failOnMiss === undefined ? {} : { failOnMiss: flags.failOnMiss }),
    pull: flags.pull ?? false,
    locked: flags.locked ?? readSwitch(context, 'TSBUILD_LOCKED'),
    ...(flags.lockFile === undefined ? {} : { lockFile: flags.lockFile }),
    ...(flags.offline === undefined ? {} : { offline: flags.offline }),
    push: flags.push === true,
    squash: flags.squash === true,
    ...(flags.allow === undefined ? {} : { allow: flags.allow }),
    ...(flags.secret === undefined ? {} : { secrets: flags.secret }),
    tags: flags.tag ?? [],
    ...(flags.annotation === undefined ? {} : { annotations: flags.annotation }),
    ...(outputs.length === 0 ? {} : { outputs }),
    ...(platform ? { platform: readPlatform(platform) } : {}),
    ...(flags.target === undefined ? {} : { target: flags.target }),
    ...(flags.cacheFrom === undefined ? {} : { cacheFrom: flags.cacheFrom }),
    ...(flags.cacheTo === undefined ? {} : { cacheTo: flags.cacheTo }),
    ...(flags.cacheMountFrom === undefined ? {} : { cacheMountsFrom: flags.cacheMountFrom }),
    ...(flags.cacheMountTo === undefined ? {} : { cacheMountsTo: flags.cacheMountTo }),
  };
}

const MAX_PARALLELISM = 'TSBUILD_MAX_PARALLELISM';

function chooseContextMode(context: Context, flags: BuildFlags): ContextMode {
  const mode = flags.contextMode ?? (context.env.TSBUILD_CONTEXT_MODE || 'as-is');
  const known = CONTEXT_MODES.find((name) => name === mode);
  if (known !== undefined) return known;
  throw invalidFlag('TSBUILD_CONTEXT_MODE', mode, `it must be one of ${CONTEXT_MODES.join(', ')}`);
}
