import type { CommandSpec } from '../command-spec.ts';
import { confirm } from '../confirm.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { humanSize } from '../format/human.ts';

interface ImagePruneFlags {
  readonly all?: boolean;
  readonly force?: boolean;
}

export const command: CommandSpec<ImagePruneFlags> = {
  name: 'image prune',
  usage: '[OPTIONS]',
  summary: 'Remove images that lost their names',
  examples: ['tsbuild image prune', 'tsbuild image prune -f && tsbuild prune -f'],
  options: [
    { flags: '-a, --all', description: 'Remove every image, also those with names: no container keeps one here' },
    { flags: '-f, --force', description: 'Do not ask' },
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

async function run(context: Context, _args: readonly string[], { all = false, force }: ImagePruneFlags): Promise<void> {
  const warning = all ? 'This will remove all images.' : 'This will remove all dangling images.';
  if (!force && !(await confirm(context, warning))) return;
  const library = await context.library();
  const { removed, bytes } = await library.pruneImages({ ...libraryOptions(context), all });
  if (removed.length > 0) printLine(context, 'Deleted Images:');
  for (const item of removed)
    printLine(context, item.type === 'untagged' ? `untagged: ${item.name}` : `deleted: ${item.digest}`);
  printLine(context, `${removed.length > 0 ? '\n' : ''}Total reclaimed space: ${humanSize(bytes, 4)}`);
}
