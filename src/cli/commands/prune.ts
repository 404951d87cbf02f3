import { resolve } from 'node:path';
import type { UsageItem } from '../../index.ts';
import { cleanLines } from '../../progress/terminal-tail.ts';
import { defaultRoot } from '../../store/paths.ts';
import { compileFilters, parseUntil } from '../../upkeep/filters.ts';
import { parseSpace, readDisk } from '../../upkeep/settings.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { confirm } from '../confirm.ts';
import { type Context, libraryOptions } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';
import { humanSize } from '../format/human.ts';
import { formatRows, isTableFormat } from '../format/rows.ts';
import { formatUsageVerbose, USAGE_HEADERS, USAGE_TABLE, usageRow } from '../format/usage.ts';

interface PruneFlags {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly filter?: readonly string[];
  readonly force?: boolean;
  readonly format?: string;
  readonly keepStorage?: string;
  readonly maxUsedSpace?: string;
  readonly minFreeSpace?: string;
  readonly reservedSpace?: string;
  readonly until?: string;
  readonly verbose?: boolean;
}

export const command: CommandSpec<PruneFlags> = {
  name: 'prune',
  usage: '[OPTIONS]',
  summary: 'Remove build cache that no image needs and no build uses',
  examples: [
    'tsbuild prune                            # asks first',
    'tsbuild prune -f --max-used-space 20GB   # the least recently used, until the store takes no more',
    'tsbuild prune -f --until 168h --filter type=exec.cachemount',
    'tsbuild prune -a --dry-run               # what would go',
  ],
  options: [
    {
      flags: '-a, --all',
      description: 'Include what images have too (it is unpacked again when needed), cache mounts, and internal caches',
    },
    { flags: '--dry-run', description: 'Show what would be removed, and remove nothing' },
    {
      flags: '--filter <filter>',
      description:
        'until=24h, id, parents, description, type (= != ~=), inuse, mutable, immutable, shared, private (repeatable)',
      parse: collect,
      suggests: [
        'until=24h',
        'type=regular',
        'type=exec.cachemount',
        'type=source.local',
        'type=source.git.checkout',
        'private',
      ],
    },
    { flags: '-f, --force', description: 'Do not ask' },
    { flags: '--format <format>', description: '"table", "table TEMPLATE", "json" or a Go template' },
    { flags: '--keep-storage <size>', description: 'Old name of --reserved-space', hidden: true },
    {
      flags: '--max-used-space <size>',
      description: 'What the store may take: remove the least recently used until it does',
    },
    { flags: '--min-free-space <size>', description: 'What is to be free on the disk' },
    { flags: '--reserved-space <size>', description: 'What the store may take in any case' },
    { flags: '--until <duration>', description: 'Only what has not been used for so long: 24h, 7d' },
    { flags: '--verbose', description: 'Show everything about what is removed' },
    builderOption(),
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

async function run(context: Context, _args: readonly string[], flags: PruneFlags): Promise<void> {
  const { all = false, dryRun = false, filter = [] } = flags;
  const limits = readLimits(context, flags);
  // Mistakes are told before anything is asked.
  compileFilters(filter);
  const library = await context.library();
  const what = all ? 'all build cache' : 'all dangling build cache';
  const warning = `This will remove ${filter.length + Object.keys(limits).length === 0 ? what : 'build cache'}.`;
  if (!flags.force && !dryRun && !(await confirm(context, warning))) return;
  const { removed, bytes } = await library.pruneStore({
    ...libraryOptions(context),
    ...limits,
    all,
    dryRun,
    filters: filter,
  });
  context.stdout.write(cleanLines(formatRemoved(removed, flags)));
  if (isTableFormat(flags.format)) context.stdout.write(`Total:\t${humanSize(bytes, 4)}\n`);
}

function formatRemoved(removed: readonly UsageItem[], { format, verbose }: PruneFlags): string {
  if (verbose) return formatUsageVerbose(removed);
  const isTable = isTableFormat(format);
  const rows = removed.map((item) => usageRow(item, isTable));
  return rows.length === 0 && isTable ? '' : formatRows(rows, { format, table: USAGE_TABLE, headers: USAGE_HEADERS });
}

/** A share of the disk is one of the disk that the store lies on. */
function readLimits(context: Context, flags: PruneFlags) {
  const size = (flag: string, text: string | undefined): number | undefined =>
    text === undefined
      ? undefined
      : parseSpace(
          flag,
          text,
          text.includes('%') ? readDisk(resolve(context.root ?? defaultRoot(context.env))).totalBytes : 0,
        );
  const reserved = size('--reserved-space', flags.reservedSpace) ?? size('--keep-storage', flags.keepStorage);
  const maxUsed = size('--max-used-space', flags.maxUsedSpace);
  const minFree = size('--min-free-space', flags.minFreeSpace);
  return {
    ...(reserved === undefined ? {} : { reservedSpace: reserved }),
    ...(maxUsed === undefined ? {} : { maxUsedSpace: maxUsed }),
    ...(minFree === undefined ? {} : { minFreeSpace: minFree }),
    ...(flags.until === undefined ? {} : { unusedForMs: parseUntil(`--until ${flags.until}`, flags.until) }),
  };
}
