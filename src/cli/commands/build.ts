import type { CacheMissedError } from '../../build/misses.ts';
import type {
  AnnotationSpec,
  BuildRequest,
  BuildResult,
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
import { errorCode } from '../../errors.ts';
import { isProgressMode, openDisplay, PROGRESS_MODES, type ProgressMode } from '../../progress/display.ts';
import { cleanText } from '../../progress/terminal-tail.ts';
import { suggest } from '../../suggest.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { type Context, libraryOptions, printLine, readSwitch } from '../context.ts';
import { collectAnnotation } from '../flags/annotation.ts';
import { readBuildArgFiles } from '../flags/build-arg-file.ts';
import { collectContext } from '../flags/build-context.ts';
import { collectCacheFrom, collectCacheTo } from '../flags/cache.ts';
import { collectMountFrom, collectMountTo } from '../flags/cache-mount.ts';
import { collectHost, type ExtraHost } from '../flags/hosts.ts';
import { collectOutput } from '../flags/output.ts';
import { chooseAgents, collectEntitlement, collectSecret, collectSsh } from '../flags/secrets.ts';
import { collectMissStages, collectStages } from '../flags/stages.ts';
import { refuseUnsupportedSwitches, type UnsupportedSwitches, unsupportedOptions } from '../flags/unsupported.ts';
import {
  CONTEXT_MODES,
  collectTag,
  NETWORK_MODES,
  PULL_POLICIES,
  parseBuildArgs,
  parseLabels,
  readParallelism,
  readPlatform,
} from '../flags/values.ts';
import { invalidFlag, usageError } from '../usage-errors.ts';
import { CALL_METHODS, type Call, parseCall, runCall, showCallResult } from './build-call.ts';
import { checkExplain, type ExplainFormat, showExplanation } from './build-explain.ts';
import { readInputs } from './build-inputs.ts';
import { prepareResultFiles, writeCallMetadata, writeIidFile, writeMetadataFile } from './build-results.ts';
import { collectWarnings } from './build-warnings.ts';

interface BuildFlags extends UnsupportedSwitches {
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

export const command: CommandSpec<BuildFlags> = {
  name: 'build',
  usage: '[OPTIONS] PATH | URL | -',
  summary: 'Build an image from a Dockerfile',
  examples: [
    'tsbuild build -t app:1 .                        build the folder and name the image',
    'tsbuild build -t registry.example/app --push .  … and send it to its registry',
    'tsbuild build -o out --target dist .            put the files of a stage into a folder',
    'tsbuild build -o type=oci,dest=app.tar .        write an OCI archive',
    'tsbuild build --cache-from reg.example/app:cache --cache-to type=registry,ref=reg.example/app:cache,mode=max .   share steps',
    'tsbuild build --cache-mount-from reg.example/caches --cache-mount-to reg.example/caches .   caches for CI',
    'tsbuild build - < Dockerfile                    build without a context',
    'tar cz . | tsbuild build -                      build from a tar',
    'tsbuild build https://example.org/app.git#v1    build from a git repository',
    'tsbuild build --context-mode git .              share the cache with machines of another umask',
    'tsbuild build --locked --offline .              build what Dockerfile.lock says, without a network',
    'tsbuild build --explain-cache .                 say why steps were not in the cache',
    'tsbuild build --check .                         build nothing, say what is wrong with the Dockerfile',
  ],
  options: [
    {
      flags: '--add-host <host=ip>',
      description: "Add a line to the steps' /etc/hosts (repeatable; host-gateway is this machine)",
      parse: collectHost,
    },
    {
      flags: '--allow <entitlement>',
      description: 'Right that steps may use: network.host, security.insecure, device[=name] (repeatable)',
      parse: collectEntitlement,
      suggests: ['network.host', 'security.insecure', 'device'],
    },
    {
      flags: '--annotation <annotation>',
      description: 'Annotate the image, [place[platform]:]key=value (repeatable)',
      parse: collectAnnotation,
    },
    { flags: '--build-arg <name=value>', description: 'Set a build argument (repeatable)', parse: collect },
    {
      flags: '--build-arg-file <file>',
      description: 'Read build arguments from lines NAME=value (repeatable; --build-arg wins)',
      parse: collect,
      completes: 'file',
    },
    {
      flags: '--build-context <name=value>',
      description:
        'What stands for a stage, an image or a --from: a directory, docker-image://…, oci-layout://…, a URL',
      parse: collectContext,
    },
    {
      flags: '--cache-from <source>',
      description: 'Take steps from a cache: an image, or type=registry,ref=…, type=local,src=… (repeatable)',
      parse: collectCacheFrom,
      suggests: ['type=registry,ref=', 'type=local,src='],
    },
    {
      flags: '--cache-mount-from <place>',
      description: 'Bring caches of RUN --mount=type=cache from a registry or directory: place[,id=…] (repeatable)',
      parse: collectMountFrom,
      completes: 'directory',
    },
    {
      flags: '--cache-mount-to <place>',
      description:
        'Take the caches that steps mounted there: place[,id=…][,max-size=…][,ignore-error=true] (repeatable)',
      parse: collectMountTo,
      completes: 'directory',
    },
    {
      flags: '--cache-to <destination>',
      description:
        'Leave the steps as a cache: type=registry,ref=…, type=local,dest=… (mode=max: all stages), type=inline (repeatable)',
      parse: collectCacheTo,
      suggests: ['type=registry,ref=', 'type=local,dest=', 'type=inline'],
    },
    {
      flags: '--call <method>',
      description: 'Do not build: check, outline (arguments, secrets, …) or targets; ",format=json" for programs',
      parse: parseCall,
      suggests: CALL_METHODS,
    },
    { flags: '--check', description: 'Do not build: check the Dockerfile (--call=check)', means: '--call=check' },
    {
      flags: '--explain-cache[=<format>]',
      description: 'Say why steps were not in the cache, when the build ends: text on stderr, or json on stdout',
      implied: 'text',
      choices: ['text', 'json'],
    },
    {
      flags: '--fail-on-miss[=<stages>]',
      description:
        'Exit with 3 when a step of these stages (all, without =) was not in the cache; the build is done all the same',
      implied: '',
      parse: collectMissStages,
    },
    {
      flags: '-f, --file <path>',
      description:
        'Dockerfile, a URL or "-" for stdin (default PATH/Dockerfile); of a fetched context: a path inside it',
      completes: 'file',
    },
    {
      flags: '--context-mode <mode>',
      description: 'How the context is read: as-is, or git: whatever umask and owners are here (TSBUILD_CONTEXT_MODE)',
      choices: CONTEXT_MODES,
    },
    { flags: '--iidfile <file>', description: 'Write the image ID to a file', completes: 'file' },
    { flags: '--label <name=value>', description: 'Set a label of the image (repeatable)', parse: collect },
    { flags: '--load', description: 'No effect: the image is in the local store anyhow' },
    {
      flags: '--max-parallelism <count>',
      description: 'Steps that run or copy at once (default no limit; TSBUILD_MAX_PARALLELISM)',
      parse: (text) => readParallelism('--max-parallelism', text),
      suggests: ['1', '2', '4', '8'],
    },
    { flags: '--metadata-file <file>', description: 'Write the result as JSON to a file', completes: 'file' },
    {
      flags: '--network <mode>',
      description: 'Network of RUN steps that name none',
      choices: NETWORK_MODES,
    },
    { flags: '--no-cache', description: 'Run every step, whatever is cached' },
    {
      flags: '--no-cache-filter <stage>',
      description: 'Run every step of these stages, whatever is cached (repeatable, or a,b)',
      parse: collectStages,
    },
    {
      flags: '-o, --output <spec>',
      description: 'Where the result goes: a directory, "-" or type=…,dest=… (repeatable)',
      parse: collectOutput,
    },
    { flags: '--platform <platform>', description: 'Build for os/arch[/variant] (default this machine)' },
    {
      flags: '--progress <mode>',
      description: 'How to show progress (BUILDKIT_PROGRESS)',
      choices: PROGRESS_MODES,
    },
    {
      flags: '--locked',
      description: 'Build from the lock file alone, and fail where it has not all that is named (TSBUILD_LOCKED)',
    },
    { flags: '--lock-file <file>', description: 'The lock file (default <Dockerfile>.lock)', completes: 'file' },
    {
      flags: '--offline',
      description: 'Ask no server for anything, and say at once what is missing (TSBUILD_OFFLINE)',
    },
    {
      flags: '--pull',
      description: 'Ask registries for newer base images; --pull=missing, newer, never or always (which it is alone)',
      words: PULL_POLICIES,
    },
    { flags: '--push', description: 'Push every name of the image when it is built' },
    { flags: '-q, --quiet', description: 'Show no progress, print the image ID' },
    {
      flags: '--secret <secret>',
      description: 'Secret that steps may mount: id=…[,src=<file>|env=<variable>] (repeatable)',
      parse: collectSecret,
    },
    { flags: '--squash', description: 'Make one layer of all that the build adds to its base' },
    {
      flags: '--ssh <agent>',
      description: 'SSH agent that steps may use: default or id[=<socket>|<key>,…] (repeatable)',
      parse: collectSsh,
      suggests: ['default'],
    },
    { flags: '-t, --tag <name>', description: 'Name of the image, name[:tag] (repeatable)', parse: collectTag },
    { flags: '--target <stage>', description: 'Build only up to this stage' },
    ...unsupportedOptions(),
  ],
  minArgs: 1,
  maxArgs: 1,
  completes: 'directory',
  run,
};

/** So long the command may go on after its result, to keep the store within its limits. */
const UPKEEP_MS = 2000;

async function run(context: Context, args: readonly string[], flags: BuildFlags): Promise<void> {
  refuseUnsupportedSwitches(flags);
  if (flags.noCache && flags.noCacheFilter !== undefined)
    throw usageError(
      '--no-cache and --no-cache-filter cannot be used together',
      'leave out one of them: --no-cache is for all stages',
    );
  if (flags.lockFile !== undefined && !(flags.locked ?? readSwitch(context, 'TSBUILD_LOCKED')))
    throw usageError(
      '--lock-file is for --locked, which was not given',
      'without it a build does not look at lock files',
    );
  const path = args[0] ?? '';
  const outputs = flags.output ?? [];
  const toStdout = checkStdout(context, outputs);
  checkExplain(flags, toStdout);
  const mode = flags.quiet ? 'quiet' : chooseProgress(context, flags);
  if (flags.load && !flags.quiet)
    context.stderr.write('--load has no effect: tsbuild keeps images in its local store\n');

  const inputs = await readInputs(context, path, flags.file);
  const ssh = chooseAgents(flags.ssh, path);
  const request = { ...inputs, ...readRequest(context, flags, outputs), ...(ssh === undefined ? {} : { ssh }) };
  const { call, metadataFile } = flags;
  if (call !== undefined && call.method !== 'build') {
    // There will be no image whose ID could be written.
    prepareResultFiles(metadataFile === undefined ? {} : { metadataFile });
    const result = await runCall(context, request, mode, call);
    if (metadataFile !== undefined) writeCallMetadata(metadataFile, result);
    showCallResult(context, call, result);
    return;
  }
  prepareResultFiles(flags);
  const writeResult = (result: BuildResult): void => {
    if (flags.iidfile !== undefined) writeIidFile(flags.iidfile, result);
    if (metadataFile !== undefined) writeMetadataFile(metadataFile, result);
    if (mode === 'quiet' && !toStdout && result.imageID !== undefined) printLine(context, result.imageID);
  };
  try {
    writeResult(await runBuild(context, request, mode, flags.explainCache));
  } catch (error) {
    // --fail-on-miss: all is done, and whoever goes on with it finds it where it was asked for.
    if (errorCode(error) === 'CACHE_MISSED') writeResult((error as CacheMissedError).result);
    throw error;
  }
  // All is said and written by now.
  await (await context.library()).endUpkeep(UPKEEP_MS);
}

async function runBuild(
  context: Context,
  request: BuildRequest,
  mode: ProgressMode,
  explain: ExplainFormat | undefined,
): Promise<BuildResult> {
  const [display, library] = await Promise.all([
    openDisplay({ mode, stream: context.stderr, env: context.env, phase: 'Building' }),
    context.library(),
  ]);
  const isQuiet = mode === 'quiet' || mode === 'none';
  const warnings = collectWarnings();
  const notes: string[] = [];
  let id: string | undefined;
  let format = explain;
  const onProgress = (status: Parameters<typeof display.sink>[0]): void => {
    id ??= status.buildId;
    display.sink(status);
    warnings.sink(status);
  };
  try {
    return await library.build({ ...request, onProgress, onNote: (note) => notes.push(note) });
  } catch (error) {
    if (errorCode(error) === 'CACHE_MISSED') format ??= 'text';
    if (isQuiet && !context.signal.aborted) {
      const { formatFailedStep } = await import('../errors.ts');
      context.stderr.write(formatFailedStep(error));
    }
    throw error;
  } finally {
    display.finish();
    if (context.debug) context.stderr.write(notes.map((note) => `DEBUG: ${cleanText(note)}\n`).join(''));
    if (!isQuiet && mode !== 'rawjson') context.stderr.write(warnings.format(context.debug));
    if (!isQuiet && context.stderr.isTTY && id !== undefined)
      context.stderr.write(`build ${id}: tsbuild builds inspect ${id}\n`);
    if (format !== undefined && id !== undefined && !context.signal.aborted) await showExplanation(context, id, format);
  }
}

function readRequest(
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

/** Whether an archive goes to standard output; a terminal does not want one. */
function checkStdout(context: Context, outputs: readonly OutputSpec[]): boolean {
  const toStdout = outputs.filter((output) => 'dest' in output && output.dest === '-');
  if (toStdout.length > 1) throw usageError('only one output can go to standard output');
  if (toStdout.length > 0 && context.stdout.isTTY)
    throw usageError(
      'refusing to write an archive to the terminal',
      'redirect standard output, or give a file as dest',
    );
  return toStdout.length > 0;
}

function chooseProgress(context: Context, flags: BuildFlags): ProgressMode {
  const mode = flags.progress ?? (context.env.BUILDKIT_PROGRESS || 'auto');
  if (isProgressMode(mode)) return mode;
  const near = suggest(mode, PROGRESS_MODES);
  throw invalidFlag(
    'BUILDKIT_PROGRESS',
    mode,
    `it must be one of ${PROGRESS_MODES.join(', ')}`,
    near && `did you mean ${near}?`,
  );
}
