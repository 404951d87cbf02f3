import type { Finding, StoreCheck } from '../../index.ts';
import { cleanLines } from '../../progress/terminal-tail.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { ReportedFailure } from '../exit-codes.ts';
import { humanSize } from '../format/human.ts';
import { formatRows } from '../format/rows.ts';

interface FsckFlags {
  readonly format?: string;
  readonly full?: boolean;
  readonly quiet?: boolean;
  readonly repair?: boolean;
}

export const command: CommandSpec<FsckFlags> = {
  name: 'fsck',
  usage: '[OPTIONS]',
  summary: 'Verify everything in the store, and repair it',
  notes:
    'The exit code is 1 while there is an error: something that cannot be used. Warnings are of what only takes room or is made anew: with ' +
    'them alone, or when all was repaired, it is 0.',
  examples: [
    'tsbuild fsck',
    'tsbuild fsck --repair          # damaged things go to quarantine/ in the root, and are made or fetched again when needed',
    'tsbuild fsck --full --format json',
  ],
  options: [
    { flags: '--format <format>', description: '"json", "table", "table TEMPLATE" or a Go template for each finding' },
    { flags: '--full', description: 'Also pack each snapshot again and compare' },
    { flags: '-q, --quiet', description: 'Print nothing but what is wrong' },
    { flags: '--repair', description: 'Mend what can be mended; every removal is told' },
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

const TABLE = 'table {{.Code}}\t{{.Severity}}\t{{.Subject}}\t{{.Message}}\t{{.Repair}}';
const HEADERS = {
  Code: 'CODE',
  Severity: 'SEVERITY',
  Subject: 'SUBJECT',
  Message: 'MESSAGE',
  Repair: 'REPAIR',
  Repaired: 'REPAIRED',
};

/** The exit code is 1 while something cannot be used: 0 when all was well or was repaired, or there were warnings alone. */
async function run(context: Context, _args: readonly string[], flags: FsckFlags): Promise<void> {
  const library = await context.library();
  const isLive = context.stderr.isTTY === true && !flags.quiet;
  const onProgress = (what: string, current: number, total: number): void => {
    const share = total === 0 ? 100 : Math.floor((current / total) * 100);
    context.stderr.write(`\r${what} ${share}%\x1b[K`);
  };
  const result = await library.checkStore({
    ...libraryOptions(context),
    full: flags.full === true,
    repair: flags.repair === true,
    ...(isLive ? { onProgress } : {}),
  });
  if (isLive) context.stderr.write('\r\x1b[K');
  const { findings } = result;
  if (flags.format !== undefined)
    context.stdout.write(formatRows(findings.map(rowOf), { format: flags.format, table: TABLE, headers: HEADERS }));
  else {
    context.stdout.write(cleanLines(findings.map(formatFinding).join('')));
    if (!flags.quiet) context.stdout.write(formatSummary(result));
  }
  if (!result.ok) throw new ReportedFailure();
}

function rowOf({ code, severity, subject, message, repair, repaired }: Finding) {
  return {
    Code: code,
    Severity: severity,
    Subject: subject,
    Message: message,
    Repair: repair ?? '',
    Repaired: String(repaired),
  };
}

function formatFinding({ code, severity, subject, message, repair, repaired }: Finding): string {
  const cure = repair === undefined ? '' : repaired ? `\n    repaired: ${repair}` : `\n    --repair: ${repair}`;
  return `${severity} ${code}: ${subject}: ${message}${cure}\n`;
}

function formatSummary({ findings, blobs, bytes, snapshots, images }: StoreCheck): string {
  const looked = `${blobs} blobs (${humanSize(bytes, 4)}), ${snapshots} snapshots, ${images} images`;
  if (findings.length === 0) return `${looked}: clean\n`;
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const repaired = findings.filter((finding) => finding.repaired).length;
  const found = [
    countOf(errors, 'error'),
    countOf(findings.length - errors, 'warning'),
    repaired === 0 ? '' : `${repaired} repaired`,
  ].filter((part) => part !== '');
  const remedy = repaired > 0 ? '' : "; 'tsbuild fsck --repair' mends what can be mended";
  return `${looked}: ${found.join(', ')}${remedy}\n`;
}

function countOf(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;
}
