import { errorCode } from '../../errors.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { throwAll } from '../many-errors.ts';

interface RmiFlags {
  readonly force?: boolean;
}

export const command: CommandSpec<RmiFlags> = {
  name: 'rmi',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Remove images',
  examples: ['tsbuild rmi app:1', 'tsbuild rmi -f $(tsbuild images -q --filter dangling=true)'],
  options: [
    { flags: '-f, --force', description: 'Remove an image with all its names; a missing image is no failure' },
    { flags: '--no-prune', description: 'No effect: there are no untagged parents', hidden: true },
  ],
  minArgs: 1,
  completes: 'image',
  run,
};

async function run(context: Context, args: readonly string[], flags: RmiFlags): Promise<void> {
  const library = await context.library();
  const force = flags.force === true;
  const errors: unknown[] = [];
  for (const reference of args) {
    try {
      const removed = await library.removeImage(reference, { ...libraryOptions(context), force });
      for (const item of removed)
        printLine(context, item.type === 'untagged' ? `Untagged: ${item.name}` : `Deleted: ${item.digest}`);
    } catch (error) {
      if (!(force && errorCode(error) === 'IMAGE_NOT_FOUND')) errors.push(error);
    }
  }
  throwAll(errors);
}
