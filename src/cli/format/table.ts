import { textWidth } from '../../progress/text-width.ts';

const MIN_COLUMN = 10;
const PADDING = 3;

/** Rows of tab-separated cells in columns as wide as docker makes them; the last cell of a row is not padded. */
export function formatTable(rows: readonly string[]): string {
  const cells = rows.map((row) => row.split('\t'));
  const widths: number[] = [];
  for (const row of cells)
    for (const [column, cell] of row.slice(0, -1).entries())
      widths[column] = Math.max(widths[column] ?? MIN_COLUMN, textWidth(cell) + PADDING);
  const lines = cells.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - textWidth(cell))))
      .join(''),
  );
  return lines.map((line) => `${line}\n`).join('');
}
