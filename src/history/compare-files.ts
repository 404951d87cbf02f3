import { createIgnoreMatcher } from '../dockerfile/ignore/index.ts';
import type { FileList, ListedFile } from './file-list.ts';
import type { FileDifference } from './reason-types.ts';
import type { BuildRecord } from './types.ts';

/** Differences that are kept of one input; the rest is counted. */
const MAX_FILES = 1000;

type IgnoreFile = BuildRecord['ignore'];

export interface FileComparison {
  /** What each selection reads, as the instruction names it. */
  readonly paths: readonly string[];
  /** The ignore files of the two builds, where the input is a context that has one. */
  readonly ignore?: { readonly old: IgnoreFile; readonly new: IgnoreFile };
}

/** What is different between two lists: what changed first, then what is new, then what is gone. */
export function compareFiles(
  before: FileList,
  after: FileList,
  { paths, ignore }: FileComparison,
): { readonly files: readonly FileDifference[]; readonly more: number } {
  const found: Record<FileDifference['status'], FileDifference[]> = { changed: [], added: [], removed: [] };
  let count = 0;
  const add = (difference: FileDifference): void => {
    count++;
    if (found[difference.status].length < MAX_FILES) found[difference.status].push(difference);
  };
  const selections = Math.max(before.selections.length, after.selections.length);
  for (let index = 0; index < selections; index++) {
    const [old, now] = [before.selections[index] ?? NOTHING, after.selections[index] ?? NOTHING];
    const locate = (name: string): string => locatePath(paths[index] ?? '', name, now.has('/') || old.has('/'));
    for (const [name, file] of now) {
      const other = old.get(name);
      if (other === undefined) add({ path: locate(name), status: 'added' });
      else {
        const changes = compareFile(other, file);
        if (changes !== undefined) add({ path: locate(name), status: 'changed', changes });
      }
    }
    for (const name of old.keys()) if (!now.has(name)) add({ path: locate(name), status: 'removed' });
  }
  const all = [...found.changed, ...found.added, ...found.removed].slice(0, MAX_FILES);
  const explain = explainIgnored(ignore);
  return { files: all.map(explain), more: count - all.length };
}

const NOTHING: ReadonlyMap<string, ListedFile> = new Map();

/** A path from the input's root. Which of several directories that a pattern matched it was is not in a list. */
function locatePath(selected: string, name: string, isDirectory: boolean): string {
  const base = selected.replace(/^\/+|\/+$/g, '');
  if (name === '/') return base || '/';
  if (isDirectory) return base === '' ? name : `${base}/${name}`;
  const parent = base.split('/').slice(0, -1).join('/');
  return parent === '' ? name : `${parent}/${name}`;
}

function compareFile(old: ListedFile, now: ListedFile): FileDifference['changes'] {
  const changes: [string, readonly [string, string]][] = [];
  const compare = (name: string, a: string, b: string): void => {
    if (a !== b) changes.push([name, [a, b]]);
  };
  compare('type', TYPES[old.type] ?? old.type, TYPES[now.type] ?? now.type);
  if (old.type === now.type) compare('content', old.content, now.content);
  compare('mode', formatMode(old.mode), formatMode(now.mode));
  compare('owner', old.owner ?? '', now.owner ?? '');
  compare('attributes', old.xattrs, now.xattrs);
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

const TYPES: Readonly<Record<string, string>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  c: 'character device',
  b: 'block device',
};

function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Says of what came or went that it is the ignore file which changed its mind. */
function explainIgnored(ignore: FileComparison['ignore']): (difference: FileDifference) => FileDifference {
  const [old, now] = [ignore?.old?.patterns ?? [], ignore?.new?.patterns ?? []];
  if (ignore === undefined || JSON.stringify(old) === JSON.stringify(now)) return (difference) => difference;
  const name = ignore.new?.name ?? ignore.old?.name ?? '.dockerignore';
  const [before, after] = [matcherOf(old), matcherOf(now)];
  return (difference) => {
    if (difference.status === 'changed') return difference;
    const [wasOut, isOut] = [before(difference.path), after(difference.path)];
    return wasOut === isOut ? difference : { ...difference, ignoreFile: name };
  };
}

function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  try {
    const matcher = createIgnoreMatcher(patterns);
    return (path) => matcher.excludes(path);
  } catch {
    return () => false;
  }
}
