import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';
import { usageError } from '../usage-errors.ts';
import { writeWholeFile } from '../whole-file.ts';

interface ExportFlags {
  readonly all?: boolean;
  readonly finalize?: boolean;
  readonly output?: string;
}

export const command: CommandSpec<ExportFlags> = {
  name: 'builds export',
  usage: '[OPTIONS] [BUILD...]',
  summary: 'Write records, logs, Dockerfiles and keys of builds to a tar archive',
  examples: ['tsbuild builds export -o app.dockerbuild', 'tsbuild builds export --all > builds.tar'],
  options: [
    { flags: '--all', description: 'All builds' },
    { flags: '--finalize', description: 'No effect: records are whole when a build ends', hidden: true },
    { flags: '-o, --output <file>', description: 'File (default standard output)', completes: 'file' },
    builderOption(),
  ],
  minArgs: 0,
  completes: 'build',
  run,
};

async function run(context: Context, references: readonly string[], flags: ExportFlags): Promise<void> {
  if (flags.all && references.length > 0) throw usageError('--all takes no builds beside it');
  const library = await context.library();
  const options = libraryOptions(context);
  const chosen = flags.all
    ? (await library.listBuilds(options)).map(({ id }) => id)
    : references.length > 0
      ? references
      : [''];
  const { output } = flags;
  if (output === undefined || output === '-') {
    if (context.stdout.isTTY)
      throw usageError(
        'refusing to write an archive to the terminal',
        'redirect standard output, or name a file with -o',
      );
    await library.exportBuilds(chosen, context.stdout, options);
    return;
  }
  await writeWholeFile(output, (file) => library.exportBuilds(chosen, file, options));
}
