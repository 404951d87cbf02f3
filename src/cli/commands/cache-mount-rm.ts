import { errorCode } from '../../errors.ts';
import type { CommandSpec } from '../command-spec.ts';
import { confirm } from '../confirm.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { throwAll } from '../many-errors.ts';
import { usageError } from '../usage-errors.ts';

interface RemoveFlags {
  readonly all?: boolean;
  readonly force?: boolean;
}

export const command: CommandSpec<RemoveFlags> = {
  name: 'cache-mount rm',
  usage: '[OPTIONS] ID [ID...]',
  summary: 'Remove caches of RUN --mount=type=cache',
  examples: ['tsbuild cache-mount rm npm', 'tsbuild cache-mount rm --all -f'],
  options: [
    { flags: '-a, --all', description: 'All caches of the store; asks first' },
    { flags: '-f, --force', description: 'Do not ask; a missing cache is no failure' },
  ],
  minArgs: 0,
  completes: 'cache-mount',
  run,
};

async function run(context: Context, args: readonly string[], flags: RemoveFlags): Promise<void> {
  const { all = false, force = false } = flags;
  if (all === args.length > 0)
    throw usageError(
      all ? '--all and ids cannot be used together' : 'no cache mount is named',
      'usage: tsbuild cache-mount rm ID [ID...], or --all',
    );
  if (all && !force && !(await confirm(context, 'This will remove all cache mounts.'))) return;
  const { removeCacheMounts } = await context.library();
  const errors: unknown[] = [];
  for (const choice of all ? (['all'] as const) : args.map((id) => [id]))
    try {
      const removed = await removeCacheMounts(choice, libraryOptions(context));
      for (const { id } of removed) printLine(context, `Deleted: ${id}`);
    } catch (error) {
      if (!(force && errorCode(error) === 'CACHE_MOUNT_NOT_FOUND')) errors.push(error);
    }
  throwAll(errors);
}
