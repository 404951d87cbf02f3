import { cleanLines } from '../../progress/terminal-tail.ts';
import { formatJson } from './json.ts';
import { formatTable } from './table.ts';
import { compileTemplate } from './template.ts';

/** A row's fields by their template names. */
export type Row = Readonly<Record<string, string>>;

export interface RowFormat {
  /** `--format`; absent or `table` for the default columns. */
  readonly format: string | undefined;
  /** The default table: `table {{.ID}}\t{{.Size}}`. */
  readonly table: string;
  /** The heading of each field. */
  readonly headers: Row;
  /** `--quiet`: only this field, without heading. */
  readonly quiet?: string;
}

const TABLE = /^table(\s+|$)/;

/** Whether `--format` asks for columns, which may have a line below them. */
export function isTableFormat(format: string | undefined): boolean {
  return format === undefined || format === '' || TABLE.test(format);
}

/** Functions do not change a heading. */
const HEADER_FUNCTIONS = Object.fromEntries(
  ['json', 'upper', 'lower', 'title', 'join', 'split', 'pad', 'truncate'].map((name) => [
    name,
    (value: unknown) => value,
  ]),
);

/** Prints rows as docker's lists do: a table, JSON lines, or a template for each. Throws `TEMPLATE_INVALID`. */
export function formatRows(rows: readonly Row[], options: RowFormat): string {
  if (options.quiet !== undefined && (options.format === undefined || options.format === 'table'))
    return rows.map((row) => `${cleanLines(row[options.quiet ?? ''] ?? '')}\n`).join('');
  const format = chooseFormat(options);
  if (format === 'json') return rows.map((row) => `${formatJson(sortKeys(row))}\n`).join('');
  // In a shell's single quotes \t and \n are two characters; docker takes them for tab and newline.
  const source = format.replace(TABLE, '').trim().replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const template = compileTemplate(source);
  const lines = rows.map((row) => template.execute(cleanRow(row)));
  // The headings have every field, so a misspelt one is found also where there are no rows.
  const isTable = TABLE.test(format);
  const header = isTable || rows.length === 0 ? formatHeader(source, options.headers) : '';
  return isTable ? formatTable([header, ...lines]) : lines.map((line) => `${line}\n`).join('');
}

/** A name may be anybody's: nothing in it moves a terminal's cursor. JSON escapes it. */
function cleanRow(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cleanLines(value)]));
}

function formatHeader(source: string, headers: Row): string {
  return compileTemplate(source, { functions: HEADER_FUNCTIONS }).execute(headers);
}

function chooseFormat({ format, table }: RowFormat): string {
  if (format === undefined || format === '' || format.trim() === 'table') return table;
  if (format === 'json' || format === '{{json .}}') return 'json';
  return format;
}

/** Docker's rows are Go maps, whose JSON is sorted. */
function sortKeys(row: Row): Row {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
