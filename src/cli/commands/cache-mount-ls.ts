import type { CacheMountInfo } from '../../cache/mounts/list.ts';
import { suggest } from '../../suggest.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { goTime, humanAgo, humanSize } from '../format/human.ts';
import { formatRows, type Row } from '../format/rows.ts';
import { invalidFlag, usageError } from '../usage-errors.ts';

interface ListFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly quiet?: boolean;
}

export const command: CommandSpec<ListFlags> = {
  name: 'cache-mount ls',
  usage: '[OPTIONS]',
  summary: 'List the caches of RUN --mount=type=cache',
  examples: [
    'tsbuild cache-mount ls',
    'tsbuild cache-mount ls --filter id~=npm',
    "tsbuild cache-mount ls --format '{{.Bytes}} {{.ID}}'",
    'tsbuild cache-mount ls --format json',
  ],
  options: [
    {
      flags: '--filter <filter>',
      description: 'Only those with id=…, name=…, inuse=true, sharing=locked (=, !=, ~= for a pattern; repeatable)',
      parse: collect,
    },
    { flags: '--format <format>', description: '"table", "table TEMPLATE", "json" or a Go template' },
    { flags: '-q, --quiet', description: 'Show only ids, and measure nothing' },
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

const HEADERS = {
  ID: 'ID',
  Name: 'NAME',
  Size: 'SIZE',
  Bytes: 'BYTES',
  Files: 'FILES',
  CreatedAt: 'CREATED AT',
  CreatedSince: 'CREATED',
  LastUsedAt: 'LAST USED AT',
  LastUsedSince: 'LAST USED',
  InUse: 'IN USE',
  Sharing: 'SHARING',
  Instances: 'INSTANCES',
  Mode: 'MODE',
  UID: 'UID',
  GID: 'GID',
  Seed: 'FROM',
};

async function run(context: Context, _args: readonly string[], flags: ListFlags): Promise<void> {
  const keeps = (flags.filter ?? []).map(parseFilter);
  const { root } = libraryOptions(context);
  const measured = flags.quiet !== true || flags.format !== undefined;
  const library = await context.library();
  const mounts = await library.listCacheMounts({ measured, ...(root === undefined ? {} : { root }) });
  const rows = mounts.map(rowOf).filter((row) => keeps.every((keep) => keep(row)));
  context.stdout.write(
    formatRows(rows, {
      format: flags.format,
      table:
        'table {{.ID}}\t{{truncate .Name 12}}\t{{.Size}}\t{{.Files}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.InUse}}',
      headers: HEADERS,
      ...(flags.quiet ? { quiet: 'ID' } : {}),
    }),
  );
}

function rowOf(mount: CacheMountInfo): Row {
  return {
    ID: mount.id,
    Name: mount.name,
    Size: humanSize(mount.bytes),
    Bytes: String(mount.bytes),
    Files: String(mount.files),
    CreatedAt: goTime(mount.createdMs),
    CreatedSince: humanAgo(mount.createdMs),
    LastUsedAt: goTime(mount.lastUsedMs),
    LastUsedSince: humanAgo(mount.lastUsedMs),
    InUse: String(mount.inUse),
    Sharing: mount.sharing ?? '',
    Instances: String(mount.instances),
    Mode: `0${mount.mode.toString(8)}`,
    UID: String(mount.uid),
    GID: String(mount.gid),
    Seed: mount.seed ?? '',
  };
}

const FILTERS: Readonly<Record<string, keyof typeof HEADERS>> = {
  id: 'ID',
  name: 'Name',
  inuse: 'InUse',
  sharing: 'Sharing',
};

/** By the grammar of `buildx du --filter`: `key=value`, `key!=value`, `key~=regular expression`. Throws `FLAG_INVALID`, `USAGE`. */
function parseFilter(text: string): (row: Row) => boolean {
  const [, key = '', operator = '', value = ''] = /^([a-z]+)(=|!=|~=)(.*)$/s.exec(text) ?? [];
  if (operator === '') throw invalidFlag('--filter', text, 'it is not key=value, key!=value or key~=value');
  const field = FILTERS[key];
  if (field === undefined) {
    const near = suggest(key, Object.keys(FILTERS));
    throw usageError(
      `there is no filter ${JSON.stringify(key)} of cache mounts`,
      near === undefined ? `filters are ${Object.keys(FILTERS).join(', ')}` : `did you mean ${near}?`,
    );
  }
  if (operator === '~=') {
    const pattern = compilePattern(text, value);
    return (row) => pattern.test(row[field] ?? '');
  }
  const isSame = (row: Row): boolean => (field === 'Name' ? (row.Name ?? '').startsWith(value) : row[field] === value);
  return operator === '=' ? isSame : (row) => !isSame(row);
}

function compilePattern(text: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw invalidFlag('--filter', text, 'its pattern is no regular expression', undefined, error);
  }
}
