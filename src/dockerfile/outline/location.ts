import type { SourceRange } from '../position.ts';
import type { LineRange, Location } from './types.ts';

/** The lines of a range, one by one, as BuildKit tells places. */
export function toLocation({ start, end }: SourceRange): Location {
  const ranges: LineRange[] = [];
  for (let line = start.line; line <= Math.max(start.line, end.line); line++)
    ranges.push({ start: { line }, end: { line } });
  return { ranges };
}

/** Sorts by the first line; what is on one line keeps its order. */
export function sortByLine<T extends { readonly location: Location }>(items: readonly T[]): readonly T[] {
  return items.toSorted((a, b) => firstLine(a.location) - firstLine(b.location));
}

function firstLine({ ranges }: Location): number {
  return ranges[0]?.start.line ?? 0;
}
