import type { RecordedError } from '../../history/index.ts';
import type { BuildInspection, BuildRecord, RecordedStep } from '../../index.ts';
import { cleanLines, cleanText } from '../../progress/terminal-tail.ts';
import { textWidth } from '../../progress/text-width.ts';
import { Nil } from './go-print.ts';
import { ellipsis } from './human.ts';
import { drawOutput } from './output.ts';

/** Of a step's name in the table; the log and the JSON have all of it. */
const MAX_STEP = 100;

/** A status as `buildx history ls` shows it. */
export function showStatus(status: BuildRecord['status']): string {
  return status.slice(0, 1).toUpperCase() + status.slice(1);
}

/** `1.5s`, `2m 3s`, `1h 2m 3s`, as buildx prints how long a build took. */
export function showDuration(milliseconds: number): string {
  if (milliseconds < 60_000) return `${(Math.max(0, milliseconds) / 1000).toFixed(1)}s`;
  const seconds = Math.floor(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}h ` : ''}${minutes}m ${seconds % 60}s`;
}

/** How long a build took, or has taken so far; of one that was killed nobody knows. */
export function durationOf({ status, createdMs, completedMs }: BuildRecord): number | undefined {
  if (completedMs !== undefined) return completedMs - createdMs;
  return status === 'running' ? Date.now() - createdMs : undefined;
}

/** The text of `buildx history inspect`, and after it the steps. */
export function formatBuild({ record, steps, logPath }: BuildInspection): string {
  const { counts, error, outputs, git } = record;
  const duration = durationOf(record);
  const percent = Math.round((counts.cached * 100) / Math.max(1, counts.total));
  const options = Object.entries(record.options).map(([name, value]) => [name, showOption(value)]);
  const sections = [
    rows([
      ['Name:', record.name],
      ['Ref:', record.id],
      ['Context:', record.context],
      ['Dockerfile:', record.dockerfile.name],
      ['VCS Root:', git?.root],
      ['VCS Revision:', git?.revision],
      ['VCS Branch:', git?.branch],
      ['Target:', record.target],
      ['Platform:', record.platform],
      ['Tags:', record.tags.length === 0 ? undefined : record.tags.join(', ')],
    ]),
    rows([
      ['Started:', showTime(record.createdMs)],
      ['Duration:', duration === undefined ? 'unknown' : showDuration(duration)],
      ['Status:', showStatus(record.status)],
      ['Error:', error === undefined ? undefined : [error.code, error.message].filter(Boolean).join(' ')],
      ['Build Steps:', `${counts.completed}/${counts.total} (${percent}% cached)`],
      ['Image ID:', outputs.imageID],
      ['Digest:', outputs.descriptor?.digest],
      ['Names:', outputs.names.length === 0 ? undefined : outputs.names.join(', ')],
      ['Log:', logPath],
    ]),
    table(['OPTION', 'VALUE'], options),
    table(['BUILD ARG', 'VALUE'], Object.entries(record.buildArgs)),
    table(['LABEL', 'VALUE'], Object.entries(record.labels)),
    table(['STEP', 'STATUS', 'DURATION'], steps.filter(isShown).map(showStep)),
    ...(error === undefined ? [] : showFailure(error)),
  ];
  const text = sections.filter((section) => section !== '').join('\n');
  return `${text}\nPrint build logs: tsbuild builds logs ${record.id}\nWhy steps ran: tsbuild builds inspect --explain ${record.id}\n`;
}

/** Where in the Dockerfile it was, and what the step printed in the end, as buildx shows it. */
function showFailure({ frame, hint, step = '', output }: RecordedError): string[] {
  return [
    frame === undefined ? '' : `${cleanLines(frame)}\n`,
    hint === undefined ? '' : `hint: ${cleanText(hint)}\n`,
    output === undefined
      ? ''
      : `Logs:\n${[`=> ${cleanText(step)}:\n`, ...drawOutput(output)].map((line) => `> ${line}`).join('')}`,
  ];
}

function isShown({ startedMs }: RecordedStep): boolean {
  return startedMs !== undefined;
}

function showStep({ name, startedMs = 0, completedMs, cached, origin, error }: RecordedStep): string[] {
  const ended = completedMs === undefined ? 'not finished' : 'done';
  const kept = origin === undefined ? 'cached' : origin === 'foreign' ? 'imported' : 'shared';
  const status = error === undefined ? (cached ? kept : ended) : 'error';
  return [ellipsis(name, MAX_STEP), status, completedMs === undefined ? '' : showDuration(completedMs - startedMs)];
}

function showOption(value: boolean | string | readonly string[]): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function showTime(timeMs: number): string {
  const local = new Date(timeMs - new Date(timeMs).getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)}`;
}

function rows(cells: readonly (readonly [string, string | undefined])[]): string {
  return alignTabs(cells.filter((row): row is [string, string] => row[1] !== undefined));
}

function table(header: readonly string[], cells: readonly (readonly string[])[]): string {
  return cells.length === 0 ? '' : alignTabs([header, ...cells]);
}

const TAB = 8;

/** Columns by tabs, as Go's tabwriter makes them. */
function alignTabs(table: readonly (readonly string[])[]): string {
  const clean = table.map((row) => row.map(cleanText));
  const columns = Math.max(...clean.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...clean.map((row) => Math.ceil((textWidth(row[column] ?? '') + 1) / TAB) * TAB)),
  );
  const pad = (cell: string, width: number): string => cell + '\t'.repeat(Math.ceil((width - textWidth(cell)) / TAB));
  const lines = clean.map((row) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : pad(cell, widths[i] ?? 0))).join(''),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Go writes bytes to JSON in base64; a template prints them as text with `printf "%s"`, and here in any way. */
type BytesForm = 'base64' | 'utf8';

/** The JSON of `buildx history inspect --format json`, and ours beside it. */
export function inspectionJson(build: BuildInspection): object {
  return describeInspection(build, 'base64');
}

/** An inspected build as templates see it: what there is nothing to say of is there and empty, as in buildx's structures. */
export function inspectionFields(build: BuildInspection): object {
  return { ...NOTHING_SAID, ...describeInspection(build, 'utf8') };
}

const NOTHING_SAID = {
  VCSRoot: '',
  VCSRevision: '',
  Target: '',
  Platform: new Nil('list'),
  CompletedAt: '',
  Duration: 0,
  Error: new Nil('map'),
};

function describeInspection({ record, steps, logPath }: BuildInspection, bytes: BytesForm): object {
  const duration = durationOf(record);
  const pairs = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([Name, Value]) => ({ Name, Value }));
  return {
    Name: record.name,
    Ref: record.id,
    Context: record.context,
    Dockerfile: record.dockerfile.name,
    ...(record.git === undefined ? {} : { VCSRoot: record.git.root, VCSRevision: record.git.revision ?? '' }),
    ...(record.target === undefined ? {} : { Target: record.target }),
    ...(record.platform === undefined ? {} : { Platform: [record.platform] }),
    StartedAt: new Date(record.createdMs).toISOString(),
    ...(record.completedMs === undefined ? {} : { CompletedAt: new Date(record.completedMs).toISOString() }),
    // Nanoseconds, as Go has them.
    ...(duration === undefined ? {} : { Duration: Math.round(duration * 1e6) }),
    Status: record.status === 'error' ? 'failed' : record.status,
    ...(record.error === undefined ? {} : { Error: failureFields(record.error, bytes) }),
    NumCompletedSteps: record.counts.completed,
    NumTotalSteps: record.counts.total,
    NumCachedSteps: record.counts.cached,
    BuildArgs: pairs(record.buildArgs),
    Labels: pairs(record.labels),
    Options: record.options,
    Tags: record.tags,
    Outputs: record.outputs,
    Steps: steps.filter(isShown).map(({ keys: _keys, ...step }) => step),
    Log: logPath,
  };
}

/** With buildx's names, and the place and the hint beside them. */
function failureFields(error: RecordedError, bytes: BytesForm): object {
  const { code = '', message, step = '', hint = '', output, frame, place } = error;
  return {
    Code: code,
    Message: message,
    Name: step,
    Hint: hint,
    ...(output === undefined ? {} : { Logs: output.split('\n') }),
    ...(frame === undefined ? {} : { Sources: Buffer.from(`${frame}\n`).toString(bytes) }),
    ...(place === undefined ? {} : { File: place.file, Line: place.line, Column: place.column }),
  };
}

/** A row of `buildx history ls --format json`. */
export function listingJson(record: BuildRecord): object {
  const { counts } = record;
  return {
    cached_steps: counts.cached,
    ...(record.completedMs === undefined ? {} : { completed_at: new Date(record.completedMs).toISOString() }),
    completed_steps: counts.completed,
    created_at: new Date(record.createdMs).toISOString(),
    name: record.name,
    ref: record.id,
    status: showStatus(record.status),
    total_steps: counts.total,
  };
}
