import type { ImportedMount } from '../../cache/mounts/import.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { parsePlace } from '../flags/cache-mount.ts';
import { readSize } from '../flags/size.ts';
import { humanSize } from '../format/human.ts';
import { showTasks } from '../task-progress.ts';
import { usageError } from '../usage-errors.ts';

interface ImportFlags {
  readonly maxSize?: number;
  readonly mode: 'replace' | 'merge';
  readonly quiet?: boolean;
  readonly wait?: boolean;
}

export const command: CommandSpec<ImportFlags> = {
  name: 'cache-mount import',
  usage: '[OPTIONS] [ID...] SOURCE',
  summary: 'Bring caches of RUN --mount=type=cache from where they were exported to',
  examples: [
    'tsbuild cache-mount import registry.example/team/caches:app           all that is there',
    'tsbuild cache-mount import npm registry.example/team/caches:app',
    'tsbuild cache-mount import --mode merge /root/.m2 m2.tar              what is there already stays',
  ],
  options: [
    {
      flags: '--max-size <size>',
      description: 'Of each cache, leave out the files changed longest ago until it fits (2GB, 500MB)',
      parse: (value) => readSize('--max-size', value),
    },
    {
      flags: '--mode <mode>',
      description: 'A cache that the store has: replace it, or merge what is imported into it',
      choices: ['replace', 'merge'],
      default: 'replace',
    },
    { flags: '-q, --quiet', description: 'Show no progress, also on a terminal, and print only ids' },
    { flags: '--wait', description: 'Wait for steps that use a cache, and do not fail' },
  ],
  minArgs: 1,
  completes: 'cache-mount',
  run,
};

async function run(context: Context, args: readonly string[], flags: ImportFlags): Promise<void> {
  const ids = args.slice(0, -1);
  const place = parsePlace(args.at(-1) ?? '');
  if (place.type === 'tar' && place.path === '-' && context.stdin.isTTY)
    throw usageError('an archive is to come from standard input, which is the terminal', 'name a file, or redirect it');
  const { importCacheMounts } = await context.library();
  const quiet = flags.quiet === true || !context.stderr.isTTY;
  const imported = await showTasks(context, 'Importing', args.join(' '), quiet, (onTask) =>
    importCacheMounts(ids.length === 0 ? 'all' : ids, place, {
      ...libraryOptions(context),
      onTask,
      mode: flags.mode,
      wait: flags.wait === true,
      ...(flags.maxSize === undefined ? {} : { maxBytes: flags.maxSize }),
    }),
  );
  for (const mount of imported) printLine(context, flags.quiet ? mount.id : formatMount(mount));
}

function formatMount({ id, upToDate, receivedBytes, leftOut }: ImportedMount): string {
  if (upToDate) return `${id}: up to date`;
  const left = leftOut.files === 0 ? '' : `, left out ${leftOut.files} files, ${humanSize(leftOut.bytes)}`;
  return `${id}: received ${humanSize(receivedBytes)}${left}`;
}
