import { basename } from 'node:path';
import type { ContextEntry, ContextListing, IgnoredEntry } from '../../build/context/list.ts';
import type { CommandSpec } from '../command-spec.ts';
import type { Context } from '../context.ts';
import { humanSize } from '../format/human.ts';
import { formatRows, type Row } from '../format/rows.ts';
import { invalidFlag } from '../usage-errors.ts';

interface ContextListFlags {
  readonly all?: boolean;
  readonly depth?: number;
  readonly file?: string;
  readonly format?: string;
  readonly ignored?: boolean;
  readonly limit?: number;
  readonly quiet?: boolean;
}

/** So many rows fit a page or two; what is large is at the top. */
const LIMIT = 100;

export const command: CommandSpec<ContextListFlags> = {
  name: 'context ls',
  usage: '[OPTIONS] [PATH]',
  summary: 'List what a build would see of its context, largest first',
  examples: [
    'tsbuild context ls',
    'tsbuild context ls --depth 1 .          # by directory',
    'tsbuild context ls --ignored            # what .dockerignore leaves out, and which line does',
    "tsbuild context ls --format '{{.Bytes}} {{.Path}}' -f deploy/Dockerfile .",
  ],
  options: [
    { flags: '-a, --all', description: `Show all rows of the table, not only the ${LIMIT} largest` },
    {
      flags: '-d, --depth <levels>',
      description: 'Sum up directories that many levels below the context',
      parse: (value) => readCount('-d, --depth', value),
    },
    {
      flags: '-f, --file <path>',
      description: 'The Dockerfile: its own <name>.dockerignore counts instead of the one of the context',
      completes: 'file',
    },
    { flags: '--format <format>', description: '"table", "table TEMPLATE", "json" or a Go template' },
    { flags: '--ignored', description: 'List what the build would not see, with the pattern and its line' },
    {
      flags: '--limit <rows>',
      description: 'Show only so many of the largest',
      parse: (value) => readCount('--limit', value),
    },
    { flags: '-q, --quiet', description: 'Show only paths' },
  ],
  minArgs: 0,
  maxArgs: 1,
  completes: 'directory',
  run,
};

const HEADERS = {
  Size: 'SIZE',
  Files: 'FILES',
  Path: 'PATH',
  Type: 'TYPE',
  Bytes: 'BYTES',
  Pattern: 'PATTERN',
  Line: 'LINE',
  IgnoredBy: 'IGNORED BY',
};

async function run(context: Context, [path = '.']: readonly string[], flags: ContextListFlags): Promise<void> {
  const { listContext } = await context.library();
  const listing = await listContext({
    directory: path,
    ...(flags.file === undefined ? {} : { dockerfile: flags.file }),
    ...(flags.depth === undefined ? {} : { depth: flags.depth }),
  });
  const { format } = flags;
  const isTable = !flags.quiet && (format === undefined || /^table(\s|$)/.test(format));
  const rows = flags.ignored
    ? listing.ignored.map((entry) => ignoredRow(entry, listing.ignoreFile))
    : listing.entries.map(seenRow);
  const limit = flags.limit ?? (isTable && !flags.all ? LIMIT : rows.length);
  const files = flags.depth === undefined && !flags.ignored ? '' : '{{.Files}}\t';
  context.stdout.write(
    formatRows(rows.slice(0, limit), {
      format,
      table: `table {{.Size}}\t${files}{{.Path}}${flags.ignored ? '\t{{.IgnoredBy}}' : ''}`,
      headers: HEADERS,
      ...(flags.quiet ? { quiet: 'Path' } : {}),
    }),
  );
  if (isTable) context.stdout.write(formatTotal(listing, rows.length - Math.min(limit, rows.length)));
}

function seenRow({ path, type, size, files }: ContextEntry): Row {
  return {
    Path: type === 'directory' ? `${path}/` : path,
    Type: type,
    Size: humanSize(size),
    Bytes: String(size),
    Files: String(files),
    Pattern: '',
    Line: '',
    IgnoredBy: '',
  };
}

function ignoredRow(entry: IgnoredEntry, ignoreFile: string | undefined): Row {
  const { pattern, line } = entry;
  const by = `${basename(ignoreFile ?? '')}:${line} ${pattern}`;
  return { ...seenRow(entry), Pattern: pattern, Line: String(line), IgnoredBy: by };
}

function formatTotal({ files, bytes, ignored, ignoreFile }: ContextListing, left: number): string {
  const count = (number: number): string => `${number} ${number === 1 ? 'file' : 'files'}`;
  const lost = ignored.reduce((sum, entry) => sum + entry.files, 0);
  const lostBytes = ignored.reduce((sum, { size }) => sum + size, 0);
  return [
    left === 0 ? '' : `\u2026 and ${left} more (--all shows them)\n`,
    `\nA build sees ${count(files)}, ${humanSize(bytes)}`,
    ignoreFile === undefined ? '' : `; ${basename(ignoreFile)} leaves out ${count(lost)}, ${humanSize(lostBytes)}`,
    '\n',
  ].join('');
}

/** Throws `FLAG_INVALID`. */
function readCount(flag: string, value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw invalidFlag(flag, value, 'it is a number from 1 on');
  return Number(value);
}
