import type { RemovedItem } from '../../index.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { confirm } from '../confirm.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { type PruneFilters, parsePruneFilters, wantsAll } from '../flags/prune-filter.ts';
import { humanSize } from '../format/human.ts';

interface ImagePruneFlags {
  readonly all?: boolean;
  readonly filter?: readonly string[];
  readonly force?: boolean;
}

export const command: CommandSpec<ImagePruneFlags> = {
  name: 'image prune',
  usage: '[OPTIONS]',
  summary: 'Remove images that lost their names',
  examples: [
    'tsbuild image prune',
    'tsbuild image prune -f && tsbuild prune -f',
    "tsbuild image prune -a --filter until=240h --filter 'label!=keep'",
  ],
  options: [
    { flags: '-a, --all', description: 'Remove every image, also those with names: no container keeps one here' },
    {
      flags: '--filter <filter>',
      description: 'until=24h (made before that), label=key[=value], label!=key[=value], dangling=false (repeatable)',
      parse: collect,
      suggests: ['until=24h', 'label=', 'label!=', 'dangling=false'],
    },
    { flags: '-f, --force', description: 'Do not ask' },
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

async function run(context: Context, _args: readonly string[], flags: ImagePruneFlags): Promise<void> {
  const filters = parsePruneFilters(flags.filter ?? []);
  const all = wantsAll(flags.all, filters);
  const isFiltered = filters.untilMs !== undefined || filters.label.length + filters.notLabel.length > 0;
  const which = isFiltered ? ' that the filters leave' : '';
  const warning = all ? `This will remove all images${which}.` : `This will remove all dangling images${which}.`;
  if (!flags.force && !(await confirm(context, warning))) return;
  const library = await context.library();
  const { removed, bytes } = await library.pruneImages({ ...libraryOptions(context), all, ...imageFilters(filters) });
  printRemovedImages(context, removed);
  printLine(context, `Total reclaimed space: ${humanSize(bytes, 4)}`);
}

/** Filters as the library takes them. */
export function imageFilters({ label, notLabel, untilMs }: PruneFilters) {
  return { label, notLabel, ...(untilMs === undefined ? {} : { createdBeforeMs: Date.now() - untilMs }) };
}

/** A section of what `image prune` and `system prune` print; nothing where nothing was removed. */
export function printRemovedImages(context: Context, removed: readonly RemovedItem[]): void {
  if (removed.length === 0) return;
  printLine(context, 'Deleted Images:');
  for (const item of removed)
    printLine(context, item.type === 'untagged' ? `untagged: ${item.name}` : `deleted: ${item.digest}`);
  printLine(context, '');
}
