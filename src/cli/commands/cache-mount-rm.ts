import { createInterface } from 'node:readline/promises';
import { errorCode } from '../../errors.ts';
import type { CommandSpec } from '../command-spec.ts';
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
  if (all && !force && !(await confirm(context))) return;
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

async function confirm(context: Context): Promise<boolean> {
  if (!context.stdin.isTTY) throw usageError('nobody can be asked: standard input is no terminal', 'use -f');
  const terminal = createInterface({ input: context.stdin, output: context.stderr });
  try {
    const question = 'This will remove all cache mounts. Are you sure you want to continue? [y/N] ';
    const answer = await terminal.question(question, { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
