import type { SurveyTreeResult } from '../../native/types.ts';
import { ENTRY_BYTES, type Selection, SurveyPaths, totalBytes } from './plan.ts';

/** What stays and what does not, to fit a size. */
export interface Limited {
  /** Absent: all stays. */
  readonly keep?: Selection;
  /** What does not. */
  readonly leftOut: LeftOut;
}

export interface LeftOut {
  readonly files: number;
  readonly bytes: number;
}

interface Unit {
  usedMs: number;
  bytes: number;
  readonly entries: number[];
}

const NOTHING: LeftOut = { files: 0, bytes: 0 };

/**
 * Chooses what fits into `maxBytes` of content (each entry counts a little more than its content): what was used last, by the later of the times
 * of access and of change. What belongs together stays or goes together, see `unitOf`. Directories in which nothing is left go too.
 */
export function limitTree(survey: SurveyTreeResult, maxBytes: number | undefined): Limited {
  if (maxBytes === undefined || totalBytes(survey) <= maxBytes) return { leftOut: NOTHING };
  const paths = new SurveyPaths(survey);
  const units = [...collectUnits(survey, paths, maxBytes)].sort((a, b) => b.usedMs - a.usedMs);
  const keep = new Uint8Array(survey.types.length);
  const leftOut = { files: 0, bytes: 0 };
  let left = maxBytes - keepDirectories(survey);
  for (const unit of units) {
    if (unit.bytes <= left) {
      left -= unit.bytes;
      for (const index of unit.entries) keep[index] = 1;
    } else {
      // Older ones may still fit, but to keep them and not this one would be against the order; unless it never fits.
      if (unit.bytes <= maxBytes) left = 0;
      leftOut.files += unit.entries.length;
      for (const index of unit.entries) leftOut.bytes += survey.sizes[index] ?? 0;
    }
  }
  keepParents(survey, paths, keep);
  return { keep, leftOut };
}

function keepDirectories({ types }: SurveyTreeResult): number {
  let bytes = 0;
  for (const type of types) if (type === 'd') bytes += ENTRY_BYTES;
  return bytes;
}

function collectUnits(survey: SurveyTreeResult, paths: SurveyPaths, maxBytes: number): Iterable<Unit> {
  const { types, sizes, usedMs, firsts } = survey;
  const sizeBelow = unitSizes(survey, paths);
  const units = new Map<string, Unit>();
  for (let i = 0; i < types.length; i++) {
    if (types[i] === 'd') continue;
    // All names of a file go with its first one.
    const first = firsts[i] ?? -1;
    const isName = first >= 0 && first !== i;
    const path = paths.text(isName ? first : i);
    const key = unitOf(path, (directory) => (sizeBelow.get(directory) ?? 0) <= maxBytes / 8);
    const unit = units.get(key) ?? { usedMs: 0, bytes: 0, entries: [] };
    unit.entries.push(i);
    unit.bytes += ENTRY_BYTES + (isName ? 0 : (sizes[i] ?? 0));
    unit.usedMs = Math.max(unit.usedMs, usedMs[i] ?? 0);
    units.set(key, unit);
  }
  return units.values();
}

/** Bytes below each directory that may be a unit. */
function unitSizes({ types, sizes }: SurveyTreeResult, paths: SurveyPaths): ReadonlyMap<string, number> {
  const below = new Map<string, number>();
  for (let i = 0; i < types.length; i++) {
    if (types[i] === 'd') continue;
    for (const directory of unitDirectories(paths.text(i)))
      below.set(directory, (below.get(directory) ?? 0) + (sizes[i] ?? 0));
  }
  return below;
}

/**
 * What a file belongs to: the topmost directory above it that is one version of one package and fits well into the whole, else the file alone.
 * So a Go module, a version of a Maven artifact or a package in node_modules is there whole or not at all, while the content-addressed
 * files of npm, pip or ccache and apt's archives are chosen one by one.
 */
function unitOf(path: string, fits: (directory: string) => boolean): string {
  for (const directory of unitDirectories(path)) if (fits(directory)) return directory;
  return path;
}

/** Directories above a path, topmost first, whose name has a version in it (`@v1`, `1.2`), or that lie in a node_modules. */
function unitDirectories(path: string): readonly string[] {
  const parts = path.split('/');
  const found: string[] = [];
  for (let i = 0; i < parts.length - 1; i++) {
    const [before = '', name = ''] = [parts[i - 1], parts[i]];
    const isScope = before === 'node_modules' && name.startsWith('@');
    const inModules = before === 'node_modules' || (parts[i - 2] === 'node_modules' && before.startsWith('@'));
    const isVersion = /[^/]@|^@v$|\d\.\d/.test(name);
    if (isVersion || (inModules && !isScope && !name.startsWith('.'))) found.push(parts.slice(0, i + 1).join('/'));
  }
  return found;
}

/** Directories above what stays, and those in which there never was anything. */
function keepParents({ types }: SurveyTreeResult, paths: SurveyPaths, keep: Selection): void {
  const has = new Set<string>();
  const full = new Set<string>();
  for (let i = 0; i < types.length; i++) {
    if (types[i] === 'd') continue;
    for (let path = parentOf(paths.text(i)); path !== ''; path = parentOf(path)) {
      // Those above are known with it.
      if (full.has(path) && (keep[i] !== 1 || has.has(path))) break;
      full.add(path);
      if (keep[i] === 1) has.add(path);
    }
  }
  for (let i = 0; i < types.length; i++) {
    if (types[i] !== 'd') continue;
    const path = paths.text(i);
    if (has.has(path) || !full.has(path)) keep[i] = 1;
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
