/** A part of a tree that BuildKit digests for a key (solver/llbsolver/ops/opsutils, Selector). */
export interface PartSelection {
  readonly path: string;
  readonly wildcard: boolean;
  readonly followSymlinks: boolean;
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
}

/** Paths, each once and sorted, without those that lie below another. */
export function outermostPaths(paths: readonly string[]): string[] {
  const all = [...new Set(paths)];
  if (all.length <= 1) return all;
  const isBelow = (path: string, other: string): boolean =>
    path !== other && path.startsWith(other.endsWith('/') ? other : `${other}/`);
  return all.filter((path) => !all.some((other) => isBelow(path, other))).sort(compareBytes);
}

/** As Go compares strings. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
