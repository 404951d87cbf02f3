import { cleanLines } from '../../progress/terminal-tail.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';
import { humanSize } from '../format/human.ts';
import { formatRows, isTableFormat } from '../format/rows.ts';
import { formatUsageVerbose, USAGE_HEADERS, USAGE_TABLE, usageRow } from '../format/usage.ts';

interface DuFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly verbose?: boolean;
}

export const command: CommandSpec<DuFlags> = {
  name: 'du',
  usage: '[OPTIONS]',
  summary: 'Show what the store takes on disk, and what of that could go',
  examples: [
    'tsbuild du',
    'tsbuild du --filter type=exec.cachemount',
    "tsbuild du --format '{{.Bytes}} {{.Kind}} {{.Description}}' | sort -n",
    'tsbuild du --verbose --filter id=3f2a',
  ],
  options: [
    {
      flags: '--filter <filter>',
      description:
        'id, parents, description, type (= != ~=), inuse, mutable, immutable, shared, private, until=24h (repeatable)',
      parse: collect,
      suggests: [
        'type=regular',
        'type=exec.cachemount',
        'type=source.local',
        'type=source.git.checkout',
        'inuse',
        'shared',
        'private',
      ],
    },
    { flags: '--format <format>', description: '"table", "table TEMPLATE", "json", "pretty" or a Go template' },
    { flags: '--verbose', description: 'Short for --format=pretty' },
    builderOption(),
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

async function run(context: Context, _args: readonly string[], flags: DuFlags): Promise<void> {
  const library = await context.library();
  const usage = await library.diskUsage({ ...libraryOptions(context), filters: flags.filter ?? [] });
  const items = [...usage.items].sort((a, b) => b.bytes - a.bytes || (a.id < b.id ? -1 : 1));
  const format = flags.verbose ? 'pretty' : flags.format;
  const isTable = isTableFormat(format);
  if (format === 'pretty') context.stdout.write(cleanLines(formatUsageVerbose(items)));
  else {
    const rows = items.map((item) => usageRow(item, isTable));
    context.stdout.write(formatRows(rows, { format, table: USAGE_TABLE, headers: USAGE_HEADERS }));
  }
  if (!isTable && format !== 'pretty') return;
  const total = (label: string, bytes: number): string => `${label.padEnd(15)}${humanSize(bytes, 4)}\n`;
  context.stdout.write(
    total('Shared:', usage.sharedBytes) +
      total('Private:', usage.totalBytes - usage.sharedBytes) +
      total('Reclaimable:', usage.reclaimableBytes) +
      total('Total:', usage.totalBytes),
  );
}
