import type { HistoryRow } from '../../images/types.ts';
import { isDigest, shortDigest } from '../../oci/digest.ts';
import type { Platform } from '../../oci/platform.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { readPlatform } from '../flags/values.ts';
import { ellipsis, humanAgo, humanSize, rfc3339 } from '../format/human.ts';
import { formatRows, type Row } from '../format/rows.ts';

interface HistoryFlags {
  readonly format?: string;
  readonly human: boolean;
  readonly platform?: Platform;
  readonly quiet?: boolean;
  readonly noTrunc?: boolean;
}

export const command: CommandSpec<HistoryFlags> = {
  name: 'history',
  usage: '[OPTIONS] IMAGE',
  summary: 'Show how an image was made',
  examples: ['tsbuild history app:1', "tsbuild history --no-trunc --format '{{.Size}}\\t{{.CreatedBy}}' app:1"],
  options: [
    { flags: '--format <format>', description: '"table", "table TEMPLATE", "json" or a Go template' },
    { flags: '-H, --human', description: 'Readable sizes and times; --human=false for exact ones', default: true },
    { flags: '--no-trunc', description: 'Do not shorten' },
    { flags: '--platform <platform>', description: 'Which image of an index', parse: (value) => readPlatform(value) },
    { flags: '-q, --quiet', description: 'Show only IDs' },
  ],
  minArgs: 1,
  maxArgs: 1,
  completes: 'image',
  run,
};

const HEADERS = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
};
const CREATED_BY_LENGTH = 45;

async function run(context: Context, [reference = '']: readonly string[], flags: HistoryFlags): Promise<void> {
  const library = await context.library();
  const platform = flags.platform === undefined ? {} : { platform: flags.platform };
  const rows = await library.imageHistory(reference, { ...libraryOptions(context), ...platform });
  context.stdout.write(
    formatRows(
      rows.map((row) => rowOf(row, flags)),
      {
        format: flags.format,
        table: 'table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}',
        headers: HEADERS,
        ...(flags.quiet ? { quiet: 'ID' } : {}),
      },
    ),
  );
}

function rowOf(row: HistoryRow, flags: HistoryFlags): Row {
  const createdBy = row.createdBy.replaceAll('\t', ' ');
  return {
    ID: !flags.noTrunc && isDigest(row.id) ? shortDigest(row.id) : row.id,
    CreatedSince: flags.human ? humanAgo(row.createdMs) : rfc3339(row.createdMs),
    CreatedAt: rfc3339(row.createdMs),
    CreatedBy: flags.noTrunc ? createdBy : ellipsis(createdBy, CREATED_BY_LENGTH),
    Size: flags.human ? humanSize(row.size) : String(row.size),
    Comment: row.comment,
  };
}
