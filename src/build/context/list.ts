import { posix } from 'node:path';
import { compilePatterns, createIgnoreMatcher } from '../../dockerfile/ignore/index.ts';
import { native } from '../../native/index.ts';
import { readContextIgnore } from '../inputs.ts';
import { directorySpec } from './specs.ts';

/** Which context, and how it is told. */
export interface ListContextOptions {
  readonly directory: string;
  /** The Dockerfile of the build, for the ignore file beside it. */
  readonly dockerfile?: string;
  /** Directories this many levels below the context are summed up; every file by itself when absent. */
  readonly depth?: number;
}

/** What a build would see of a directory, and what it would not; each largest first. */
export interface ContextListing {
  /** Absolute. */
  readonly directory: string;
  /** Path of the ignore file; `undefined` when there is none. */
  readonly ignoreFile: string | undefined;
  readonly entries: readonly ContextEntry[];
  readonly ignored: readonly IgnoredEntry[];
  /** Of all files that the build would see. */
  readonly files: number;
  readonly bytes: number;
}

/** A file, or a directory with all that counts in it. */
export interface ContextEntry {
  /** Relative to the context. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  /** Bytes; of a symlink those of its target's name. */
  readonly size: number;
  /** Files in it; 1 for what is no directory. */
  readonly files: number;
}

/** Something of which nothing is seen. */
export interface IgnoredEntry extends ContextEntry {
  /** The pattern that leaves it out, and its line in the ignore file. */
  readonly pattern: string;
  readonly line: number;
}

/** Lists a build context by one look at names and sizes; no file is opened. Throws `CONTEXT_UNREADABLE`, `DOCKERFILE_UNREADABLE`. */
export async function listContext({ directory, dockerfile, depth }: ListContextOptions): Promise<ContextListing> {
  const { path: root } = directorySpec(directory, undefined, 'only a directory can be listed: give its path');
  const { lines, patterns, path: ignoreFile } = readContextIgnore(dockerfile, root);
  const nodes = await readNodes(root, compilePatterns(patterns));
  const matcher = createIgnoreMatcher(lines);
  const seen = nodes.filter(({ visible }) => visible);
  const hidden = nodes.filter(({ visible }) => !visible);
  const files = seen.filter(({ type }) => type !== 'directory');
  return {
    directory: root,
    ignoreFile,
    entries: listSeen(seen, depth ?? Number.POSITIVE_INFINITY),
    ignored: listIgnored(hidden).map((entry) => ({
      ...entry,
      ...(matcher.explain(entry.path) ?? { pattern: '', line: 0 }),
    })),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

interface Node extends Omit<ContextEntry, 'files'> {
  /** A directory is there for the build also when something below it is included again. */
  visible: boolean;
}

const TYPES: Readonly<Record<string, ContextEntry['type']>> = { f: 'file', d: 'directory', l: 'symlink' };

async function readNodes(root: string, ignore: string): Promise<Node[]> {
  const listed = await native.listTree({ root: { lowers: [root] }, ignore, includeIgnored: true });
  const byPath = new Map<string, Node>();
  for (const [index, path] of listed.paths.split('\0').slice(0, -1).entries()) {
    const visible = listed.ignored[index] === '0';
    const type = TYPES[listed.types[index] ?? ''] ?? 'other';
    byPath.set(path, { path, type, size: listed.sizes[index] ?? 0, visible });
    if (!visible) continue;
    for (let above = byPath.get(posix.dirname(path)); above !== undefined && !above.visible; ) {
      above.visible = true;
      above = byPath.get(posix.dirname(above.path));
    }
  }
  return [...byPath.values()];
}

/** Files one by one, or what lies deeper than `depth` levels as the directory there; of other directories only empty ones. */
function listSeen(nodes: readonly Node[], depth: number): ContextEntry[] {
  const parents = new Set(nodes.map(({ path }) => posix.dirname(path)));
  const shown = nodes.filter(({ path, type }) => {
    const level = path.split('/').length;
    return type !== 'directory' || level === depth || (level < depth && !parents.has(path));
  });
  return sumUp(shown, (path) =>
    depth === Number.POSITIVE_INFINITY ? path : path.split('/').slice(0, depth).join('/'),
  );
}

/** The uppermost of these directories stand for what is in them. */
function listIgnored(nodes: readonly Node[]): ContextEntry[] {
  const directories = new Set(nodes.flatMap(({ path, type }) => (type === 'directory' ? [path] : [])));
  return sumUp(nodes, (path) => {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
      if (directories.has(path.slice(0, slash))) return path.slice(0, slash);
    return path;
  });
}

/** Adds nodes up by the path that stands for each; largest first. */
function sumUp(nodes: readonly Node[], placeOf: (path: string) => string): ContextEntry[] {
  const sums = new Map<string, { path: string; type: ContextEntry['type']; size: number; files: number }>();
  for (const { path, type, size } of nodes) {
    const place = placeOf(path);
    const sum = sums.get(place) ?? { path: place, type: place === path ? type : 'directory', size: 0, files: 0 };
    sums.set(place, sum);
    if (type === 'directory') continue;
    sum.size += size;
    sum.files++;
  }
  return [...sums.values()].sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
}
