import type { Platform } from '../../oci/platform.ts';
import { familiarReference, formatReference, parseReference, parseTaggedReference } from '../../oci/reference.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { readPlatform } from '../flags/values.ts';
import { showTasks } from '../task-progress.ts';
import { unsupportedFlag } from '../usage-errors.ts';

interface PullFlags {
  readonly allTags?: boolean;
  readonly platform?: Platform;
  readonly quiet?: boolean;
}

export const command: CommandSpec<PullFlags> = {
  name: 'pull',
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  summary: 'Get an image from a registry',
  examples: ['tsbuild pull debian:12', 'tsbuild pull --platform linux/arm64 registry.example/app:1'],
  options: [
    { flags: '-a, --all-tags', description: 'Not supported yet', hidden: true },
    { flags: '--disable-content-trust', description: 'No effect', hidden: true },
    {
      flags: '--platform <platform>',
      description: 'os/arch[/variant] (default this machine)',
      parse: (value) => readPlatform(value),
    },
    { flags: '-q, --quiet', description: 'Show no progress, print the name' },
  ],
  minArgs: 1,
  maxArgs: 1,
  run,
};

async function run(context: Context, [text = '']: readonly string[], flags: PullFlags): Promise<void> {
  if (flags.allTags) throw unsupportedFlag('-a, --all-tags', 'pull the tags one by one');
  const reference = parseTaggedReference(text);
  const library = await context.library();
  const options = { ...libraryOptions(context), ...(flags.platform === undefined ? {} : { platform: flags.platform }) };
  const quiet = flags.quiet === true;
  const pulled = await showTasks(context, 'Pulling', formatReference(reference), quiet, (onTask) =>
    library.pullImage(text, { ...options, onTask }),
  );
  const full = formatReference(reference);
  if (!quiet) {
    const status = pulled.upToDate ? 'Image is up to date for' : 'Downloaded newer image for';
    printLine(context, `Digest: ${pulled.descriptor.digest}`);
    printLine(context, `Status: ${status} ${familiarReference(parseReference(full))}`);
  }
  printLine(context, full);
}
