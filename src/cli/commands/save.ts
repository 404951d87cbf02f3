import { closeSync, createWriteStream, openSync, renameSync, rmSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { SaveOptions } from '../../images/types.ts';
import type { Platform } from '../../oci/platform.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { readPlatform } from '../flags/values.ts';
import { showTasks } from '../task-progress.ts';
import { fileUnwritable, usageError } from '../usage-errors.ts';

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

/** The file is there when it is whole, or not at all. */
async function writeWholeFile(path: string, write: (target: Writable) => Promise<void>): Promise<void> {
  if (path.startsWith('/dev/')) {
    await writeStream(path, write);
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    closeSync(openSync(temporary, 'wx'));
  } catch (error) {
    throw fileUnwritable('-o', path, error);
  }
  try {
    await writeStream(temporary, write);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

async function writeStream(path: string, write: (target: Writable) => Promise<void>): Promise<void> {
  const stream = createWriteStream(path);
  // An error of the file (a full disk) may come while nobody waits for the stream.
  const closed = finished(stream);
  closed.catch(() => {});
  try {
    await write(stream);
    stream.end();
  } catch (error) {
    stream.destroy();
    throw error;
  }
  await closed;
}
