import type { Writable } from 'node:stream';
import type { SaveOptions } from '../../images/types.ts';
import type { Platform } from '../../oci/platform.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { readPlatform } from '../flags/values.ts';
import { showTasks } from '../task-progress.ts';
import { usageError } from '../usage-errors.ts';
import { writeWholeFile } from '../whole-file.ts';

interface SaveFlags {
  readonly format: 'docker' | 'oci';
  readonly output?: string;
  readonly platform?: Platform;
}

export const command: CommandSpec<SaveFlags> = {
  name: 'save',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Write images to a tar archive',
  examples: [
    'tsbuild save -o app.tar app:1',
    'tsbuild save app:1 | docker load',
    'tsbuild save --format oci -o app.tar app:1',
  ],
  options: [
    {
      flags: '--format <format>',
      description: '"docker" (which is an OCI layout too) or "oci"',
      choices: ['docker', 'oci'],
      default: 'docker',
    },
    { flags: '-o, --output <file>', description: 'Write to a file and not to standard output', completes: 'file' },
    { flags: '--platform <platform>', description: 'Which image of an index', parse: (value) => readPlatform(value) },
  ],
  minArgs: 1,
  completes: 'image',
  run,
};

async function run(context: Context, args: readonly string[], flags: SaveFlags): Promise<void> {
  const { output, format, platform } = flags;
  if (output === undefined && context.stdout.isTTY)
    throw usageError('refusing to write an archive to the terminal', 'use -o, or redirect standard output');
  const library = await context.library();
  const options = { ...libraryOptions(context), format, ...(platform === undefined ? {} : { platform }) };
  const write = (target: Writable): Promise<void> =>
    showTasks(context, 'Saving', args.join(', '), !context.stderr.isTTY, (onTask) =>
      library.saveImages(args, target, { ...options, onTask } satisfies SaveOptions),
    );
  if (output === undefined) await write(context.stdout);
  else await writeWholeFile(output, write);
}
