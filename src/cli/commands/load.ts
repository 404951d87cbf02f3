import { createReadStream } from 'node:fs';
import { familiarReference, parseReference } from '../../oci/reference.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { showTasks } from '../task-progress.ts';
import { checkReadable, unsupportedFlag, usageError } from '../usage-errors.ts';

interface LoadFlags {
  readonly input?: string;
  readonly quiet?: boolean;
}

export const command: CommandSpec<LoadFlags> = {
  name: 'load',
  usage: '[OPTIONS]',
  summary: 'Read images from a tar archive',
  examples: ['tsbuild load -i app.tar', 'docker save app:1 | tsbuild load'],
  options: [
    { flags: '-i, --input <file>', description: 'Read from a file and not from standard input', completes: 'file' },
    { flags: '-q, --quiet', description: 'Show no progress, also on a terminal' },
    {
      flags: '--platform <platform>',
      description: 'Not supported yet',
      hidden: true,
      parse(value) {
        throw unsupportedFlag(`--platform ${value}`);
      },
    },
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

async function run(context: Context, _args: readonly string[], flags: LoadFlags): Promise<void> {
  const fromStdin = flags.input === undefined || flags.input === '-';
  if (fromStdin && context.stdin.isTTY)
    throw usageError('an archive is to come from standard input, which is the terminal', 'use -i, or redirect it');
  const library = await context.library();
  if (!fromStdin) checkReadable('-i', flags.input ?? '');
  const input = fromStdin ? context.stdin : createReadStream(flags.input ?? '', { highWaterMark: 1024 * 1024 });
  const source = fromStdin ? 'standard input' : (flags.input ?? '');
  const quiet = flags.quiet === true || !context.stderr.isTTY;
  const images = await showTasks(context, 'Loading', source, quiet, (onTask) =>
    library.loadImages(input, { ...libraryOptions(context), onTask }),
  );
  for (const image of images) {
    if (image.names.length === 0) printLine(context, `Loaded image ID: ${image.imageID}`);
    for (const loaded of image.names) printLine(context, `Loaded image: ${familiarReference(parseReference(loaded))}`);
  }
}
