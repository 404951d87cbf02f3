import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { exec } from '../support/exec.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

/** An entry to make; parents come before what is in them. */
export interface TreeEntry {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo' | 'socket';
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds, with a fraction. */
  readonly mtime?: number;
  readonly content?: string;
  readonly base64?: string;
  /** Makes the file this long, with a hole at its end. */
  readonly size?: number;
  readonly link?: string;
  readonly rdev?: readonly [number, number];
  /** Values in hexadecimal. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** An entry as it was found. */
export interface FoundEntry {
  readonly type: TreeEntry['type'];
  readonly mode?: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size?: number;
  readonly sha256?: string;
  /** The first path of the same file, for one that has several. */
  readonly sameAs?: string;
  readonly link?: string;
  readonly rdev?: readonly [number, number];
  readonly xattrs?: Readonly<Record<string, string>>;
}

export type FoundTree = Readonly<Record<string, FoundEntry>>;

const PROGRAM = join(import.meta.dirname, '../../../test/native-layer/tree.py');

/** A directory of the test's own, in memory where that is possible: making files there is quick. */
export function makeTestDir(t: ExecutionContext): string {
  const root = makeTempDir('trees', existsSync('/dev/shm') ? '/dev/shm' : undefined);
  t.teardown(() => removeTree(root));
  return root;
}

/** Makes `root` and the entries in it. */
export async function makeTree(root: string, entries: readonly TreeEntry[]): Promise<string> {
  mkdirSync(root, { recursive: true });
  await exec('python3', [PROGRAM, 'make', root], { input: JSON.stringify(entries) });
  return root;
}

/** Everything in `root`, by path; the root itself is the empty path. */
export async function readTree(root: string): Promise<FoundTree> {
  const { stdout } = await exec('python3', [PROGRAM, 'read', root]);
  return JSON.parse(stdout) as FoundTree;
}

/** The tree without times, or with them in whole seconds, as a tar has them. */
export function withoutTimes(tree: FoundTree): Record<string, Omit<FoundEntry, 'mtime'>> {
  return mapTree(tree, ({ mtime: _mtime, ...rest }) => rest);
}

export function inSeconds(tree: FoundTree): Record<string, FoundEntry> {
  return mapTree(tree, (entry) => ({ ...entry, mtime: Math.floor(entry.mtime) }));
}

/** The tree without its root's own line. */
export function belowRoot<T>(tree: Readonly<Record<string, T>>): Record<string, T> {
  const { '': _, ...rest } = tree;
  return rest;
}

function mapTree<T>(tree: FoundTree, change: (entry: FoundEntry) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(tree).map(([path, entry]) => [path, change(entry)]));
}

/** Runs shell commands in a directory that is an overlay of `lowers` (topmost first) and `upper`. */
export async function inOverlay(
  lowers: readonly string[],
  upper: string,
  work: string,
  commands: string,
): Promise<void> {
  mkdirSync(upper, { recursive: true });
  mkdirSync(work, { recursive: true });
  const point = `${work}-mnt`;
  mkdirSync(point, { recursive: true });
  const options = `lowerdir=${lowers.join(':')},upperdir=${upper},workdir=${work},redirect_dir=off,metacopy=off,index=off`;
  const script = `set -e; mount -t overlay overlay -o "$1" "$2"; cd "$2"; ${commands}`;
  await exec('unshare', ['-m', 'sh', '-c', script, 'sh', options, point]);
}
