import type { Outline, TargetList } from '../../dockerfile/outline/index.ts';
import { cleanText } from '../../progress/terminal-tail.ts';
import { textWidth } from '../../progress/text-width.ts';

/** `--call=outline`: a table for each kind of thing that a target takes. */
export function formatOutline({ name, description, args, secrets, ssh, cache }: Outline): string {
  const tables: string[] = [];
  if (name !== undefined || description !== undefined)
    tables.push(
      formatColumns(
        [['TARGET:', name ?? '(default)'], ...(description === undefined ? [] : [['DESCRIPTION:', description]])],
        1,
      ),
    );
  const add = (header: readonly string[], rows: readonly (readonly string[])[] | undefined): void => {
    if (rows !== undefined && rows.length > 0) tables.push(formatColumns([header, ...rows], 3));
  };
  add(
    ['BUILD ARG', 'VALUE', 'DESCRIPTION'],
    args?.map((arg) => [arg.name, arg.value ?? '', arg.description ?? '']),
  );
  add(
    ['SECRET', 'REQUIRED'],
    secrets?.map((secret) => [secret.name, secret.required ? 'true' : '']),
  );
  add(
    ['SSH', 'REQUIRED'],
    ssh?.map((agent) => [agent.name, agent.required ? 'true' : '']),
  );
  add(
    ['CACHE'],
    cache?.map((mount) => [mount.ID]),
  );
  return tables.map((table) => `${table}\n`).join('');
}

/** `--call=targets`: the stages, the one that is built when none is named marked. */
export function formatTargets({ targets }: TargetList): string {
  const rows = targets.map((target) => {
    const mark = target.default ? ['(default)'] : [];
    return [[target.name ?? '', ...mark].filter(Boolean).join(' '), target.description ?? ''];
  });
  return formatColumns([['TARGET', 'DESCRIPTION'], ...rows], 1);
}

/** Columns as wide as their widest cell and a gap; what comes from the file can do no harm to the terminal. */
function formatColumns(rows: readonly (readonly string[])[], gap: number): string {
  const cells = rows.map((row) => row.map(cleanText));
  const widths: number[] = [];
  for (const row of cells)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, textWidth(cell) + gap);
  return cells
    .map((row) => {
      const line = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - textWidth(cell))).join('');
      return `${line.trimEnd()}\n`;
    })
    .join('');
}
