import { relative } from 'node:path';
import type { SecretSpec, SshSpec } from '../../build-types.ts';
import type { LockChange } from '../../lockfile/index.ts';
import type { Platform } from '../../oci/index.ts';
import { isProgressMode, openDisplay, PROGRESS_MODES, type ProgressMode } from '../../progress/display.ts';
import { cleanText } from '../../progress/terminal-tail.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { readBuildArgFiles } from '../flags/build-arg-file.ts';
import { collectContext } from '../flags/build-context.ts';
import { chooseAgents, collectSecret, collectSsh } from '../flags/secrets.ts';
import { parseBuildArgs, readPlatform } from '../flags/values.ts';
import { formatRows } from '../format/rows.ts';
import type { Library } from '../library.ts';
import { usageError } from '../usage-errors.ts';
import { readInputs } from './build-inputs.ts';

interface LockFlags {
  readonly buildArg?: readonly string[];
  readonly buildArgFile?: readonly string[];
  readonly buildContext?: Readonly<Record<string, string>>;
  readonly check?: boolean;
  readonly fetch?: boolean;
  readonly file?: string;
  readonly format?: string;
  readonly lockFile?: string;
  readonly offline?: boolean;
  readonly platform?: readonly Platform[];
  readonly progress?: ProgressMode;
  readonly quiet?: boolean;
  readonly secret?: readonly SecretSpec[];
  readonly ssh?: readonly SshSpec[];
  readonly target?: string;
  readonly update?: readonly string[];
  readonly upgrade?: boolean;
}

export const command: CommandSpec<LockFlags> = {
  name: 'lock',
  usage: '[OPTIONS] PATH | URL | -',
  summary: 'Write what a Dockerfile reads from elsewhere, by digest, to its lock file',
  examples: [
    'tsbuild lock .                        write Dockerfile.lock: images, URLs and git refs; what it has stays',
    'tsbuild lock --update debian:12 .     look up one of them again',
    'tsbuild lock --upgrade .              … or all of them',
    'tsbuild lock --check .                in CI: fails where the file has not all that the Dockerfile names',
    'tsbuild lock --platform linux/amd64,linux/arm64 .   for several platforms',
    'tsbuild lock --fetch .                and get everything, for tsbuild build --locked --offline .',
  ],
  options: [
    {
      flags: '--build-arg <name=value>',
      description: 'Set a build argument (repeatable); those that decide what is named are noted',
      parse: collect,
    },
    {
      flags: '--build-arg-file <file>',
      description: 'Read build arguments from lines NAME=value (repeatable; --build-arg wins)',
      parse: collect,
      completes: 'file',
    },
    {
      flags: '--build-context <name=value>',
      description: 'What stands for a stage, an image or a --from; what is fetched for one is locked too',
      parse: collectContext,
    },
    { flags: '--check', description: 'Change nothing, ask nobody: fail where the lock file is out of date' },
    { flags: '--fetch', description: 'Also get everything into the store, for builds that are --offline' },
    {
      flags: '-f, --file <path>',
      description: 'Dockerfile, a URL or "-" for stdin (default PATH/Dockerfile)',
      completes: 'file',
    },
    {
      flags: '--format <format>',
      description: 'How changes (with --check what is left over) are printed: "table", "json" or a Go template',
      suggests: ['table', 'json'],
    },
    {
      flags: '--lock-file <file>',
      description: 'The lock file (default <Dockerfile>.lock); "-" prints it',
      completes: 'file',
    },
    { flags: '--offline', description: 'Lock what the store has, asking no server (TSBUILD_OFFLINE)' },
    {
      flags: '--platform <platform>',
      description: 'Lock for os/arch[/variant] (repeatable, or a,b; default those of the file, else this machine)',
      parse: (value, previous) => [
        ...(Array.isArray(previous) ? (previous as Platform[]) : []),
        ...value.split(',').map(readPlatform),
      ],
    },
    { flags: '--progress <mode>', description: 'How to show progress (BUILDKIT_PROGRESS)', choices: PROGRESS_MODES },
    { flags: '-q, --quiet', description: 'Show no progress and no changes' },
    {
      flags: '--secret <secret>',
      description: 'Secret for private URLs and repositories: id=…[,src=<file>|env=<variable>] (repeatable)',
      parse: collectSecret,
    },
    {
      flags: '--ssh <agent>',
      description: 'SSH agent for repositories: default or id[=<socket>|<key>,…] (repeatable)',
      parse: collectSsh,
      suggests: ['default'],
    },
    { flags: '--target <stage>', description: 'Only what this stage needs (default all stages)' },
    { flags: '--update <name>', description: 'Look up this image, URL or ref again (repeatable)', parse: collect },
    { flags: '--upgrade', description: 'Look up everything again' },
  ],
  minArgs: 1,
  maxArgs: 1,
  completes: 'directory',
  run,
};

async function run(context: Context, [path = '']: readonly string[], flags: LockFlags): Promise<void> {
  const { check, update, upgrade, fetch, lockFile } = flags;
  if (check && (update !== undefined || upgrade || fetch))
    throw usageError('--check changes nothing: it cannot be used with --update, --upgrade or --fetch');
  const [library, inputs] = await Promise.all([context.library(), readInputs(context, path, flags.file)]);
  const ssh = chooseAgents(flags.ssh, path);
  const toStdout = lockFile === '-';
  const request = {
    ...libraryOptions(context),
    ...inputs,
    buildArgs: parseBuildArgs([...readBuildArgFiles(flags.buildArgFile ?? []), ...(flags.buildArg ?? [])], context.env),
    ...(flags.buildContext === undefined ? {} : { buildContexts: flags.buildContext }),
    ...(flags.target === undefined ? {} : { target: flags.target }),
    ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
    ...(flags.secret === undefined ? {} : { secrets: flags.secret }),
    ...(ssh === undefined ? {} : { ssh }),
    ...(flags.offline === undefined ? {} : { offline: flags.offline }),
    ...(lockFile === undefined || toStdout ? {} : { lockFile }),
    ...(update === undefined ? {} : { update }),
    upgrade: upgrade === true,
    fetch: fetch === true,
    write: !toStdout,
  };
  const { format, progress, quiet = false } = flags;
  if (check) await runCheck(context, library, request, format);
  else await runLock(context, library, request, { quiet, toStdout, progress, format });
}

type Request = Parameters<Library['lockDockerfile']>[0];

async function runCheck(
  context: Context,
  library: Library,
  request: Request,
  format: string | undefined,
): Promise<void> {
  const { path, leftovers } = await library.checkLock(request);
  if (format !== undefined) {
    context.stdout.write(formatChanges(leftovers, format, 'leftover'));
    return;
  }
  for (const { name } of leftovers)
    context.stderr.write(`WARNING: ${path} has ${cleanText(name)}, which nothing names: tsbuild lock removes it\n`);
}

async function runLock(
  context: Context,
  library: Library,
  request: Request,
  options: {
    readonly quiet: boolean;
    readonly toStdout: boolean;
    readonly progress: ProgressMode | undefined;
    readonly format: string | undefined;
  },
): Promise<void> {
  const { BUILDKIT_PROGRESS: wanted = '' } = context.env;
  const mode = options.quiet ? 'quiet' : (options.progress ?? (isProgressMode(wanted) ? wanted : 'auto'));
  const display = await openDisplay({ mode, stream: context.stderr, env: context.env, phase: 'Locking' });
  let result: Awaited<ReturnType<Library['lockDockerfile']>>;
  try {
    result = await library.lockDockerfile({ ...request, onProgress: display.sink });
  } finally {
    display.finish();
  }
  if (options.toStdout) {
    context.stdout.write(result.text);
    return;
  }
  if (options.format !== undefined) {
    context.stdout.write(formatChanges(result.changes, options.format));
    return;
  }
  if (options.quiet) return;
  const { images, urls, git } = result.counts;
  for (const change of result.changes) printLine(context, formatChange(change));
  const counts = [count(images, 'image'), count(urls, 'URL'), count(git, 'git ref')].join(', ');
  printLine(
    context,
    `${relativePath(result.path ?? '')}: ${counts}${result.changes.length === 0 ? ', nothing changed' : ''}`,
  );
}

/** For programs: a row for each change. */
function formatChanges(changes: readonly LockChange[], format: string, what?: string): string {
  const rows = changes.map(({ kind, name, from = '', to = '' }) => ({
    Change: what ?? (from === '' ? 'added' : to === '' ? 'removed' : 'changed'),
    Kind: KIND_WORDS[kind],
    Name: name,
    From: from,
    To: to,
  }));
  return formatRows(rows, {
    format,
    table: 'table {{.Change}}\t{{.Kind}}\t{{.Name}}\t{{.From}}\t{{.To}}',
    headers: { Change: 'CHANGE', Kind: 'KIND', Name: 'NAME', From: 'FROM', To: 'TO' },
  });
}

const KIND_WORDS = { images: 'image', urls: 'url', git: 'git' } as const;

/** `+` is new, `-` gone, `~` something else than before. */
function formatChange({ name, from, to }: LockChange): string {
  const shown = cleanText(name);
  if (from === undefined) return `+ ${shown} ${to}`;
  return to === undefined ? `- ${shown}` : `~ ${shown} ${from} -> ${to}`;
}

/** From the working directory, where that is shorter to read. */
function relativePath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
