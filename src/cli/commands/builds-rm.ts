import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';
import { throwAll } from '../many-errors.ts';
import { usageError } from '../usage-errors.ts';

interface RemoveFlags {
  readonly all?: boolean;
}

export const command: CommandSpec<RemoveFlags> = {
  name: 'builds rm',
  usage: '[OPTIONS] [BUILD...]',
  summary: 'Remove records and logs of builds',
  examples: ['tsbuild builds rm 0123abcd', 'tsbuild builds rm --all'],
  options: [{ flags: '--all', description: 'Remove all but those that run' }, builderOption()],
  minArgs: 0,
  completes: 'build',
  run,
};

async function run(context: Context, references: readonly string[], flags: RemoveFlags): Promise<void> {
  if (flags.all && references.length > 0) throw usageError('--all takes no builds beside it');
  if (!flags.all && references.length === 0) throw usageError('which builds?', 'name them, or give --all');
  const library = await context.library();
  const options = libraryOptions(context);
  const builds = await library.listBuilds(options);
  const ids = flags.all ? builds.filter(({ status }) => status !== 'running').map(({ id }) => id) : references;
  // What ^1 means must not change while others are removed.
  const chosen = flags.all
    ? ids
    : await Promise.all(ids.map(async (id) => (await library.inspectBuild(id, options)).record.id));
  const errors: unknown[] = [];
  for (const id of chosen) {
    try {
      const removed = await library.removeBuildRecord(id, options);
      if (!flags.all) printLine(context, removed);
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
}
