import type { ImageInspection } from '../../images/types.ts';
import type { Platform } from '../../oci/platform.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { readPlatform } from '../flags/values.ts';
import { inspectionFields } from '../format/inspection.ts';
import { formatJson } from '../format/json.ts';
import { compileTemplate } from '../format/template.ts';
import { throwAll } from '../many-errors.ts';
import { invalidFlag, unsupportedFlag } from '../usage-errors.ts';

interface InspectFlags {
  readonly format?: string;
  readonly platform?: Platform;
  readonly size?: boolean;
}

export const command: CommandSpec<InspectFlags> = {
  name: 'inspect',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Show everything about images',
  examples: [
    'tsbuild inspect app:1',
    "tsbuild image inspect -f '{{json .Config.Env}}' app:1",
    "tsbuild inspect -f '{{range .RepoTags}}{{println .}}{{end}}' app:1",
  ],
  options: [
    { flags: '-f, --format <format>', description: '"json" or a Go template' },
    {
      flags: '--platform <platform>',
      description: 'Which image of an index',
      parse: (value) => readPlatform(value),
    },
    {
      flags: '--type <type>',
      description: 'What the names mean: image',
      hidden: true,
      parse(value) {
        if (value !== 'image') throw invalidFlag('--type', value, 'there are only images');
        return value;
      },
    },
    { flags: '-s, --size', description: 'Not supported yet', hidden: true },
  ],
  minArgs: 1,
  completes: 'image',
  run,
};

async function run(context: Context, args: readonly string[], flags: InspectFlags): Promise<void> {
  if (flags.size) throw unsupportedFlag('-s, --size', 'the size is always shown');
  const { format } = flags;
  const template = !format || format === 'json' ? undefined : compileTemplate(format);
  const library = await context.library();
  const found: ImageInspection[] = [];
  const errors: unknown[] = [];
  for (const reference of args) {
    try {
      const options = {
        ...libraryOptions(context),
        ...(flags.platform === undefined ? {} : { platform: flags.platform }),
      };
      found.push(await library.inspectImage(reference, options));
    } catch (error) {
      errors.push(error);
    }
  }
  // As docker does, what was found is printed also when something was not.
  if (template !== undefined)
    for (const image of found) context.stdout.write(`${template.execute(inspectionFields(image))}\n`);
  else context.stdout.write(`${formatJson(found, format === 'json' ? undefined : 4)}\n`);
  throwAll(errors);
}
