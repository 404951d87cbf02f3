import type { ExportedMount, ExportedMounts } from '../../cache/mounts/export.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { parsePlace } from '../flags/cache-mount.ts';
import { readSize } from '../flags/size.ts';
import { humanSize } from '../format/human.ts';
import { showTasks } from '../task-progress.ts';
import { usageError } from '../usage-errors.ts';

interface ExportFlags {
  readonly all?: boolean;
  readonly maxSize?: number;
  readonly quiet?: boolean;
}

export const command: CommandSpec<ExportFlags> = {
  name: 'cache-mount export',
  usage: '[OPTIONS] ID [ID...] DEST',
  summary: 'Take caches of RUN --mount=type=cache to a registry, a directory or a tar',
  examples: [
    'tsbuild cache-mount export npm registry.example/team/caches:app',
    'tsbuild cache-mount export --all --max-size 2GB ./caches     an OCI layout, for the cache of a CI system',
    'tsbuild cache-mount export /root/.m2 m2.tar',
    'tsbuild cache-mount export npm - | ssh host tsbuild cache-mount import -',
  ],
  options: [
    { flags: '-a, --all', description: 'All caches of the store' },
    {
      flags: '--max-size <size>',
      description: 'Of each cache, leave out the files used longest ago until it fits (2GB, 500MB)',
      parse: (value) => readSize('--max-size', value),
    },
    { flags: '-q, --quiet', description: 'Show no progress, also on a terminal, and print only the digest' },
  ],
  minArgs: 1,
  completes: 'cache-mount',
  run,
};

async function run(context: Context, args: readonly string[], flags: ExportFlags): Promise<void> {
  const ids = args.slice(0, -1);
  const place = parsePlace(args.at(-1) ?? '');
  if (flags.all ? ids.length > 0 : ids.length === 0)
    throw usageError(
      flags.all ? '--all and ids cannot be used together' : 'no cache mount is named',
      'usage: tsbuild cache-mount export ID [ID...] DEST, or --all DEST',
    );
  const toStdout = place.type === 'tar' && place.path === '-';
  if (toStdout && context.stdout.isTTY)
    throw usageError('refusing to write an archive to the terminal', 'name a file, or redirect standard output');
  const { exportCacheMounts } = await context.library();
  const quiet = flags.quiet === true || !context.stderr.isTTY;
  const exported = await showTasks(context, 'Exporting', args.join(' '), quiet, (onTask) =>
    exportCacheMounts(flags.all ? 'all' : ids, place, {
      ...libraryOptions(context),
      onTask,
      ...(flags.maxSize === undefined ? {} : { maxBytes: flags.maxSize }),
    }),
  );
  const output = toStdout ? context.stderr : context.stdout;
  output.write(flags.quiet ? `${exported.digest}\n` : formatExported(exported));
}

function formatExported({ digest, unchanged, sentBytes, mounts }: ExportedMounts): string {
  const sent = unchanged ? 'unchanged' : `sent ${humanSize(sentBytes)}`;
  return [...mounts.map(formatMount), `${digest}: ${sent}\n`].join('');
}

function formatMount({ id, blobBytes, parts, leftOut, specialFiles }: ExportedMount): string {
  const lines = [`${id}: ${humanSize(blobBytes)} in ${parts} parts\n`];
  if (leftOut.files > 0) lines.push(`${id}: left out ${leftOut.files} files, ${humanSize(leftOut.bytes)}\n`);
  if (specialFiles > 0) lines.push(`${id}: left out ${specialFiles} devices, fifos and sockets\n`);
  return lines.join('');
}
