import { type CommandSpec, collect } from '../command-spec.ts';
import { confirm } from '../confirm.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { parsePruneFilters, wantsAll } from '../flags/prune-filter.ts';
import { humanSize } from '../format/human.ts';
import { imageFilters, printRemovedImages } from './image-prune.ts';

interface SystemPruneFlags {
  readonly all?: boolean;
  readonly filter?: readonly string[];
  readonly force?: boolean;
}

export const command: CommandSpec<SystemPruneFlags> = {
  name: 'system prune',
  usage: '[OPTIONS]',
  summary: 'Remove images that lost their names, and build cache that no image needs',
  notes: "It is 'tsbuild image prune' and 'tsbuild prune' in one; these can do more.",
  examples: ['tsbuild system prune', 'tsbuild system prune -af --filter until=168h'],
  options: [
    { flags: '-a, --all', description: 'Remove every image, and all build cache' },
    {
      flags: '--filter <filter>',
      description: 'until=24h, label=key[=value] (images alone), label!=key[=value] (repeatable)',
      parse: collect,
      suggests: ['until=24h', 'label=', 'label!='],
    },
    { flags: '-f, --force', description: 'Do not ask' },
    { flags: '--volumes', description: 'No effect: there are no volumes', hidden: true },
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

async function run(context: Context, _args: readonly string[], flags: SystemPruneFlags): Promise<void> {
  const given = flags.filter ?? [];
  const filters = parsePruneFilters(given);
  const all = wantsAll(flags.all, filters);
  // No cache has labels.
  const isOfImages = filters.label.length > 0;
  const what = [
    all ? 'all images' : 'all dangling images',
    ...(isOfImages ? [] : [all ? 'all build cache' : 'unused build cache']),
  ];
  const filtered = given.length === 0 ? '' : `\n  Items to be pruned will be filtered with:\n${listLines(given)}`;
  if (!flags.force && !(await confirm(context, `This will remove:\n${listLines(what)}${filtered}`))) return;
  const library = await context.library();
  const options = libraryOptions(context);
  const images = await library.pruneImages({ ...options, all, ...imageFilters(filters) });
  printRemovedImages(context, images.removed);
  const unused = filters.untilMs === undefined ? {} : { unusedForMs: filters.untilMs };
  const cache = isOfImages ? { removed: [], bytes: 0 } : await library.pruneStore({ ...options, ...unused, all });
  if (cache.removed.length > 0) {
    printLine(context, 'Deleted build cache objects:');
    for (const { id } of cache.removed) printLine(context, id);
    printLine(context, '');
  }
  printLine(context, `Total reclaimed space: ${humanSize(images.bytes + cache.bytes, 4)}`);
}

function listLines(items: readonly string[]): string {
  return items.map((item) => `  - ${item}\n`).join('');
}
