import { pipeline } from 'node:stream/promises';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';

export const command: CommandSpec = {
  name: 'builds logs',
  usage: '[OPTIONS] [BUILD]',
  summary: 'Print the whole log of a build',
  examples: ['tsbuild builds logs', 'tsbuild builds logs ^1 | less'],
  options: [
    { flags: '--progress <type>', description: 'How: plain, as it lies on disk', choices: ['plain'] },
    builderOption(),
  ],
  minArgs: 0,
  maxArgs: 1,
  completes: 'build',
  run,
};

async function run(context: Context, [reference = '']: readonly string[]): Promise<void> {
  const library = await context.library();
  const { log } = await library.readBuildLog(reference, libraryOptions(context));
  await pipeline(log, context.stdout, { end: false, signal: context.signal });
}
