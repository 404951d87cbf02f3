import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';
import { formatTrace } from '../format/trace.ts';
import { writeWholeFile } from '../whole-file.ts';

interface TraceFlags {
  readonly output?: string;
}

export const command: CommandSpec<TraceFlags> = {
  name: 'builds trace',
  usage: '[OPTIONS] [BUILD]',
  summary: 'Write the steps of a build as a trace in OpenTelemetry’s JSON',
  notes:
    'Jaeger, Tempo and the collector read it as a file. A step is a span below that of the build, with links to the steps that it stands on.',
  examples: ['tsbuild builds trace -o build.json', 'tsbuild builds trace ^1 | jq .'],
  options: [
    { flags: '-o, --output <file>', description: 'File (default standard output)', completes: 'file' },
    builderOption(),
  ],
  minArgs: 0,
  maxArgs: 1,
  completes: 'build',
  run,
};

async function run(context: Context, [reference = '']: readonly string[], { output }: TraceFlags): Promise<void> {
  const library = await context.library();
  const trace = formatTrace(await library.inspectBuild(reference, libraryOptions(context)));
  if (output === undefined || output === '-') context.stdout.write(trace);
  else await writeWholeFile(output, async (file) => void file.write(trace));
}
