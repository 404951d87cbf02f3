import { TsbuildError } from '../../errors.ts';
import type { Platform } from '../../oci/platform.ts';
import { familiarName, formatReference, parseReference, parseTaggedReference } from '../../oci/reference.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { readPlatform } from '../flags/values.ts';
import type { Library } from '../library.ts';
import { showTasks } from '../task-progress.ts';
import { usageError } from '../usage-errors.ts';

interface PushFlags {
  readonly allTags?: boolean;
  readonly platform?: Platform;
  readonly quiet?: boolean;
}

export const command: CommandSpec<PushFlags> = {
  name: 'push',
  usage: '[OPTIONS] NAME[:TAG]',
  summary: 'Send an image to a registry',
  examples: ['tsbuild push registry.example/team/app:1', 'tsbuild push -a localhost:5000/app'],
  options: [
    { flags: '-a, --all-tags', description: 'Push every tag that the store has of the repository' },
    { flags: '--disable-content-trust', description: 'No effect', hidden: true },
    {
      flags: '--platform <platform>',
      description: 'Of an index, only this image',
      parse: (value) => readPlatform(value),
    },
    { flags: '-q, --quiet', description: 'Show no progress, print the name' },
  ],
  minArgs: 1,
  maxArgs: 1,
  completes: 'image',
  run,
};

async function run(context: Context, [text = '']: readonly string[], flags: PushFlags): Promise<void> {
  const library = await context.library();
  const quiet = flags.quiet === true;
  const names = flags.allTags ? await listTags(context, library, text) : [formatReference(parseTaggedReference(text))];
  const options = { ...libraryOptions(context), ...(flags.platform === undefined ? {} : { platform: flags.platform }) };
  for (const name of names) {
    const { descriptor } = await showTasks(context, 'Pushing', name, quiet, (onTask) =>
      library.pushImage(name, { ...options, onTask }),
    );
    const { tag } = parseReference(name);
    if (quiet) printLine(context, name);
    else
      printLine(context, `${tag === undefined ? '' : `${tag}: `}digest: ${descriptor.digest} size: ${descriptor.size}`);
  }
}

async function listTags(context: Context, library: Library, text: string): Promise<string[]> {
  const repository = parseReference(text);
  if (repository.tag !== undefined || repository.digest !== undefined)
    throw usageError('with --all-tags the name has no tag', `write ${familiarName(repository)}`);
  const images = await library.listImages(libraryOptions(context));
  const tags = images.filter((image) => image.repository === familiarName(repository) && image.tag !== '<none>');
  if (tags.length === 0)
    throw new TsbuildError('IMAGE_NOT_FOUND', `there is no image of ${familiarName(repository)} in the store`, {
      hint: "'tsbuild images' lists what there is",
    });
  return tags.map(({ tag }) => formatReference({ ...repository, tag }));
}
