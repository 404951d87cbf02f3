import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';
import { formatBuild, inspectionFields, inspectionJson } from '../format/build-record.ts';
import { formatJson } from '../format/json.ts';
import { compileTemplate } from '../format/template.ts';

interface InspectFlags {
  readonly explain?: boolean;
  readonly format?: string;
}

export const command: CommandSpec<InspectFlags> = {
  name: 'builds inspect',
  usage: '[OPTIONS] [BUILD]',
  summary: 'Show everything about a build, or why its steps ran',
  examples: [
    'tsbuild builds inspect                     the last build',
    'tsbuild builds inspect ^1                  the one before',
    'tsbuild builds inspect --explain 0123abcd  why its steps were not in the cache',
    "tsbuild builds inspect --format '{{.Duration}}'",
    "tsbuild builds inspect --format '{{.Error.Sources}}'  the lines of the Dockerfile that an error is about",
  ],
  options: [
    { flags: '--explain', description: 'Show why steps ran: what changed since an earlier build' },
    { flags: '--format <format>', description: '"pretty", "json" or a Go template', suggests: ['pretty', 'json'] },
    builderOption(),
  ],
  minArgs: 0,
  maxArgs: 1,
  completes: 'build',
  run,
};

async function run(context: Context, [reference = '']: readonly string[], flags: InspectFlags): Promise<void> {
  const library = await context.library();
  const format = flags.format || 'pretty';
  if (flags.explain) {
    const explanation = await library.explainBuild(reference, libraryOptions(context));
    if (format !== 'pretty') return printValue(context, explanation, format);
    const { formatExplanation } = await import('../format/explanation.ts');
    context.stdout.write(formatExplanation(explanation));
    return;
  }
  const build = await library.inspectBuild(reference, libraryOptions(context));
  if (format === 'pretty') context.stdout.write(formatBuild(build));
  else printValue(context, format === 'json' ? inspectionJson(build) : inspectionFields(build), format);
}

function printValue(context: Context, value: object, format: string): void {
  if (format === 'json') printLine(context, formatJson(value, 2));
  else printLine(context, compileTemplate(format).execute(value));
}
