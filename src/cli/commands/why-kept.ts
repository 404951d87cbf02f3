import type { KeptReport } from '../../index.ts';
import { cleanLines } from '../../progress/terminal-tail.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { humanAgo, humanSize } from '../format/human.ts';
import { formatJson } from '../format/json.ts';
import { formatRows } from '../format/rows.ts';

interface WhyKeptFlags {
  readonly format?: string;
}

export const command: CommandSpec<WhyKeptFlags> = {
  name: 'why-kept',
  usage: '[OPTIONS] REF [REF...]',
  summary: 'Show what keeps something in the store, and what would free it',
  examples: [
    'tsbuild why-kept app:1',
    'tsbuild why-kept 3f2a91           # the beginning of an ID of tsbuild du',
    'tsbuild why-kept npm',
  ],
  options: [{ flags: '--format <format>', description: '"json" or a Go template; absent: text' }],
  minArgs: 1,
  completes: 'image',
  run,
};

async function run(context: Context, args: readonly string[], { format }: WhyKeptFlags): Promise<void> {
  const library = await context.library();
  const reports: KeptReport[] = [];
  for (const reference of args) reports.push(...(await library.whyKept(reference, libraryOptions(context))));
  if (format === 'json') context.stdout.write(reports.map((report) => `${formatJson(report)}\n`).join(''));
  else if (format) context.stdout.write(formatRows(reports.map(rowOf), { format, table: TABLE, headers: HEADERS }));
  else context.stdout.write(cleanLines(reports.map(formatReport).join('\n')));
}

const TABLE = 'table {{.ID}}\t{{.Kind}}\t{{.Size}}\t{{.Reclaimable}}\t{{.Free}}';
const HEADERS = {
  ID: 'ID',
  Kind: 'KIND',
  Size: 'SIZE',
  Description: 'DESCRIPTION',
  Reclaimable: 'RECLAIMABLE',
  Free: 'FREE',
};

function rowOf({ id, kind, bytes, description, reclaimable, reasons, free }: KeptReport) {
  return {
    ID: id,
    Kind: kind,
    Size: humanSize(bytes, 4),
    Description: description,
    Reclaimable: String(reclaimable),
    Free: free ?? reasons.map((reason) => reason.free).join('; '),
  };
}

function formatReport({ id, kind, bytes, lastUsedMs, description, reasons, cachedFor, free }: KeptReport): string {
  const used = lastUsedMs === undefined ? '' : `, last used ${humanAgo(lastUsedMs)}`;
  const lines = [`${kind} ${id} (${humanSize(bytes, 4)}${used})`, `  ${description}`];
  for (const step of cachedFor) if (step !== description) lines.push(`  cached for: ${step}`);
  for (const { chain, links, free: end } of reasons) {
    const way = chain.slice(1).map((name, i) => `${name} (${links[i] ?? ''})`);
    if (way.length > 0) lines.push(`  kept by ${way.join(' <- ')}`);
    lines.push(`    to free it: ${end}`);
  }
  if (reasons.length === 0)
    lines.push(
      free === undefined ? '  a part of the store itself' : '  nothing keeps it; a prune may remove it',
      ...(free === undefined ? [] : [`    to free it: ${free}`]),
    );
  return `${lines.join('\n')}\n`;
}
