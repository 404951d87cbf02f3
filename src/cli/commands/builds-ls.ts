import { relative, resolve } from 'node:path';
import type { BuildRecord } from '../../index.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { parseBuildFilter } from '../flags/build-filter.ts';
import { builderOption } from '../flags/unsupported.ts';
import { durationOf, listingJson, showDuration, showStatus } from '../format/build-record.ts';
import { ellipsis, humanAgo } from '../format/human.ts';
import { formatJson } from '../format/json.ts';
import { formatRows, type Row } from '../format/rows.ts';

interface ListFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly local?: boolean;
  readonly noTrunc?: boolean;
  readonly quiet?: boolean;
}

export const command: CommandSpec<ListFlags> = {
  name: 'builds ls',
  usage: '[OPTIONS]',
  summary: 'List the builds whose records are kept',
  examples: [
    'tsbuild builds ls',
    'tsbuild builds ls --local --filter status=error',
    "tsbuild builds ls --filter 'duration>1m' --format '{{.Ref}} {{.Duration}}'",
  ],
  options: [
    {
      flags: '--filter <filter>',
      description: 'ref=, repository=, status=, startedAt, completedAt, duration with =, !=, <, > (repeatable)',
      parse: collect,
      suggests: ['status=completed', 'status=error', 'status=canceled', 'ref=', 'repository='],
    },
    {
      flags: '--format <format>',
      description: '"table", "table TEMPLATE", "json" or a Go template',
      suggests: ['table', 'json'],
    },
    { flags: '--local', description: 'Only builds of the repository, or the directory, that this is in' },
    { flags: '--no-trunc', description: 'Do not shorten names' },
    { flags: '-q, --quiet', description: 'Show only IDs' },
    builderOption(),
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

const HEADERS = {
  Ref: 'BUILD ID',
  Name: 'NAME',
  Status: 'STATUS',
  CreatedAt: 'CREATED AT',
  Duration: 'DURATION',
};
const NAME_LENGTH = 36;

async function run(context: Context, _args: readonly string[], flags: ListFlags): Promise<void> {
  const filters = (flags.filter ?? []).map(parseBuildFilter);
  if (flags.local) filters.push(await filterLocal(process.cwd()));
  const library = await context.library();
  const builds = await library.listBuilds(libraryOptions(context));
  const shown = builds.filter((build) => filters.every((filter) => filter(build)));
  if (flags.format === 'json' && !flags.quiet) {
    context.stdout.write(shown.map((build) => `${formatJson(listingJson(build))}\n`).join(''));
    return;
  }
  context.stdout.write(
    formatRows(
      shown.map((build) => rowOf(build, flags.noTrunc === true)),
      {
        format: flags.format,
        table: 'table {{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}',
        headers: HEADERS,
        ...(flags.quiet ? { quiet: 'Ref' } : {}),
      },
    ),
  );
}

function rowOf(build: BuildRecord, isWhole: boolean): Row {
  const duration = durationOf(build);
  return {
    Ref: build.id,
    Name: isWhole ? build.name : ellipsis(build.name, NAME_LENGTH),
    Status: showStatus(build.status),
    CreatedAt: humanAgo(build.createdMs),
    Duration: duration === undefined ? '' : `${showDuration(duration)}${build.status === 'running' ? '+' : ''}`,
  };
}

/** Of the work tree that a directory lies in; without one, of what lies in the directory. */
async function filterLocal(directory: string): Promise<(build: BuildRecord) => boolean> {
  const { readGitState } = await import('../../history/git-state.ts');
  const root = readGitState(directory)?.root ?? resolve(directory);
  return ({ context }) => {
    if (!context.startsWith('/')) return false;
    const path = relative(root, context);
    return path !== '..' && !path.startsWith('../');
  };
}
