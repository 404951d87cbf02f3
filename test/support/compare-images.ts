import { type ImageContent, normalizeConfig, type Tree, type TreeEntry } from './image-tree.ts';

export interface CompareOptions {
  /** Paths (or their first parts, ending in `/`) whose times must agree too: a COPY keeps the times of its source. */
  readonly mtimeOf?: readonly string[];
}

/** What differs between two images, one readable line each; empty when a container could not tell them apart. */
export function compareImages(a: ImageContent, b: ImageContent, options: CompareOptions = {}): string[] {
  return [...compareConfigs(a, b), ...compareTrees(a.tree, b.tree, options)];
}

export function compareConfigs(a: ImageContent, b: ImageContent): string[] {
  const [left, right] = [normalizeConfig(a.config), normalizeConfig(b.config)];
  const differences: string[] = [];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const [x, y] = [canonical(left[key]), canonical(right[key])];
    if (x !== y) differences.push(`config ${key}: ${x} != ${y}`);
  }
  return differences;
}

/** How the images say that they were made: the text of each step, and whether it made a layer. Times are left out. */
export function compareHistory(a: ImageContent, b: ImageContent): string[] {
  const [left, right] = [a, b].map(({ config }) =>
    (config.history ?? []).map((entry) => `${entry.created_by ?? ''}${entry.empty_layer ? ' (no layer)' : ''}`),
  ) as [string[], string[]];
  const differences: string[] = [];
  for (let i = 0; i < Math.max(left.length, right.length); i++)
    if (left[i] !== right[i]) differences.push(`history ${left[i] ?? 'nothing'} != ${right[i] ?? 'nothing'}`);
  return differences;
}

export function compareTrees(a: Tree, b: Tree, options: CompareOptions = {}): string[] {
  const differences: string[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [x, y] = [a.get(path), b.get(path)];
    // A layer need not name the root; one that does not leaves it as the container's runtime makes it.
    if (path === '.' && (x === undefined || y === undefined)) continue;
    if (x === undefined || y === undefined) {
      differences.push(`/${path}: ${describe(x)} != ${describe(y)}`);
      continue;
    }
    for (const key of fieldsOf(x, y, path, options)) {
      const [left, right] = [show(key, x[key]), show(key, y[key])];
      if (left !== right) differences.push(`/${path}: ${key} ${left} != ${right}`);
    }
  }
  return differences;
}

type Field = keyof TreeEntry;

function fieldsOf(x: TreeEntry, y: TreeEntry, path: string, options: CompareOptions): Field[] {
  const fields: Field[] = ['type', 'uid', 'gid', 'size', 'sha256', 'linkname', 'rdev', 'xattrs', 'hardlinks'];
  // No system call gives a symbolic link a mode.
  if (x.type !== 'symlink' || y.type !== 'symlink') fields.push('mode');
  const timed = options.mtimeOf?.some((item) => (item.endsWith('/') ? path.startsWith(item) : path === item)) ?? false;
  if (timed) fields.push('mtime');
  return fields;
}

function show(key: Field, value: unknown): string {
  if (key === 'mode' && typeof value === 'number') return value.toString(8).padStart(4, '0');
  // Fractions of a second are kept by some formats and cut by others.
  if (key === 'mtime' && typeof value === 'number') return new Date(Math.floor(value) * 1000).toISOString();
  return typeof value === 'string' ? JSON.stringify(value) : canonical(value);
}

function describe(entry: TreeEntry | undefined): string {
  if (entry === undefined) return 'nothing';
  return `${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.linkname}`.trimEnd();
}

/** JSON with sorted keys; an absent value is `nothing`. */
function canonical(value: unknown): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
