import type { CacheMissedError } from '../../build/misses.ts';
import type { BuildRequest, BuildResult, OutputSpec } from '../../build-types.ts';
import { errorCode } from '../../errors.ts';
import { isProgressMode, openDisplay, PROGRESS_MODES, type ProgressMode } from '../../progress/display.ts';
import { cleanText } from '../../progress/terminal-tail.ts';
import { suggest } from '../../suggest.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, printLine, readSwitch } from '../context.ts';
import { chooseAgents } from '../flags/secrets.ts';
import { refuseUnsupportedSwitches } from '../flags/unsupported.ts';
import { invalidFlag, usageError } from '../usage-errors.ts';
import { runCall, showCallResult } from './build-call.ts';
import { checkExplain, type ExplainFormat, showExplanation } from './build-explain.ts';
import { readInputs } from './build-inputs.ts';
import { BUILD_OPTIONS } from './build-options.ts';
import { type BuildFlags, readRequest } from './build-request.ts';
import { prepareResultFiles, writeCallMetadata, writeIidFile, writeMetadataFile } from './build-results.ts';
import { collectWarnings } from './build-warnings.ts';

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
  options: BUILD_OPTIONS,
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
  let missed: unknown;
  try {
    writeResult(await runBuild(context, request, mode, flags.explainCache));
  } catch (error) {
    // --fail-on-miss: all is done, and whoever goes on with it finds it where it was asked for.
    if (errorCode(error) !== 'CACHE_MISSED') throw error;
    writeResult((error as CacheMissedError).result);
    missed = error;
  }
  // All is said and written by now.
  await (await context.library()).endUpkeep(UPKEEP_MS);
  if (missed !== undefined) throw missed;
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
