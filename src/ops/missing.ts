import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { createIgnoreMatcher } from '../dockerfile/ignore/index.ts';
import type { LocalResult, PresentResult } from '../llb/results.ts';
import type { FindPathsRequest, NativeApi } from '../native/types.ts';
import type { RootMount } from '../oci/index.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import { suggest } from '../suggest.ts';
import type { IgnoredPath, MissingReason } from './errors.ts';
import type { ReadSelection } from './selections.ts';
import { viewResult } from './view.ts';

type Native = Pick<NativeApi, 'findPaths' | 'listTree'>;

/** As many entries are looked at for a name that may have been meant: a build that fails anyway is not to take long over it. */
const MAX_ENTRIES = 20_000;
/** How far above a context a file may lie that was meant. */
const LEVELS_ABOVE = 3;

/** Why what a step reads of a tree is not there. `undefined`: nothing near it is either. */
export async function explainMissing(
  native: Native,
  snapshotter: Pick<Snapshotter, 'view'>,
  result: PresentResult,
  selection: ReadSelection,
): Promise<MissingReason | undefined> {
  const path = selection.required ?? selection.path;
  const tree = result.kind === 'local' ? { lowers: [result.directory] } : viewResult(snapshotter, result.name);
  const ignore = result.kind === 'local' ? result.ignore : undefined;
  if (result.kind === 'local') {
    const ignored = await findIgnored(native, result, { ...selection, path });
    if (ignored !== undefined) return { type: 'ignored', ...ignored };
    if (result.isUnpacked && (await native.listTree({ root: tree, path: '/', maxEntries: 1 })).paths === '')
      return { type: 'no-context' };
  }
  const near = await suggestPath(native, tree, ignore, path);
  if (near !== undefined) return { type: 'near', path: result.kind === 'local' ? near.slice(1) : near };
  if (result.kind === 'local' && !result.isUnpacked) return findAbove(result.directory, path);
  return undefined;
}

/** Something that a selection would find but for the ignore file, and the line that leaves it out. */
export async function findIgnored(
  native: Native,
  local: LocalResult,
  { path, wildcard, followSymlinks }: Pick<ReadSelection, 'path' | 'wildcard' | 'followSymlinks'>,
): Promise<IgnoredPath | undefined> {
  if (!local.ignore) return undefined;
  const request: FindPathsRequest = { root: { lowers: [local.directory] }, path, wildcard, followSymlinks };
  const [all, visible] = await Promise.all([
    native.findPaths(request),
    native.findPaths({ ...request, ignore: local.ignore }),
  ]);
  const [found] = splitPaths(all);
  if (found === undefined || visible !== '') return undefined;
  return explainIgnored(local, found);
}

/** The first thing in a directory of which the ignore file leaves out everything. `undefined` where something is left, or none was. */
export async function findIgnoredContent(
  native: Native,
  local: LocalResult,
  path: string,
): Promise<IgnoredPath | undefined> {
  if (!local.ignore) return undefined;
  const request = { root: { lowers: [local.directory] }, path, maxEntries: 1 };
  const [all, visible] = await Promise.all([
    native.listTree(request),
    native.listTree({ ...request, ignore: local.ignore }),
  ]);
  const [found] = splitPaths(all.paths);
  return found === undefined || visible.paths !== '' ? undefined : explainIgnored(local, found);
}

function explainIgnored({ ignoreFile }: LocalResult, path: string): IgnoredPath {
  const line = ignoreFile && createIgnoreMatcher(ignoreFile.lines).explain(path);
  return { path, file: ignoreFile?.name ?? '.dockerignore', ...(line === undefined ? {} : { line }) };
}

/** A path that is there and nearly the one that is not: of another spelling, or the same name in another directory. */
async function suggestPath(
  native: Native,
  root: RootMount,
  ignore: string | undefined,
  path: string,
): Promise<string | undefined> {
  const visible = { root, ...(ignore === undefined ? {} : { ignore }) };
  const missing = await findFirstMissing(native, visible, path);
  if (missing === undefined) return undefined;
  const { directory, name, rest } = missing;
  const beside = splitPaths((await native.listTree({ ...visible, path: directory, maxDepth: 1 })).paths);
  const spelt = suggest(
    name,
    beside.map((entry) => posix.basename(entry)),
  );
  if (spelt !== undefined) {
    const candidate = posix.join(directory, spelt, rest);
    if ((await native.findPaths({ ...visible, path: candidate, wildcard: false, followSymlinks: true })) !== '')
      return candidate;
  }
  // The nearest to the root come first.
  const wanted = posix.basename(path).toLowerCase();
  const all = splitPaths((await native.listTree({ ...visible, maxEntries: MAX_ENTRIES })).paths);
  const elsewhere = all.find((entry) => posix.basename(entry).toLowerCase() === wanted);
  return elsewhere === undefined ? undefined : `/${elsewhere}`;
}

/** The first component of a path that is not there. */
async function findFirstMissing(
  native: Native,
  tree: { readonly root: RootMount; readonly ignore?: string },
  path: string,
): Promise<{ readonly directory: string; readonly name: string; readonly rest: string } | undefined> {
  const parts = path.split('/').filter((part) => part !== '');
  for (const [index, name] of parts.entries()) {
    const here = `/${parts.slice(0, index + 1).join('/')}`;
    const found = await native.findPaths({ ...tree, path: here, wildcard: false, followSymlinks: true });
    if (found === '') return { directory: posix.dirname(here), name, rest: parts.slice(index + 1).join('/') };
  }
  return undefined;
}

function findAbove(directory: string, path: string): MissingReason | undefined {
  for (let level = 1; level <= LEVELS_ABOVE; level++) {
    const above = join(directory, ...Array<string>(level).fill('..'));
    if (above === '/') return undefined;
    if (existsSync(join(above, path))) return { type: 'above', path: join(above, path), directory: above };
  }
  return undefined;
}

function splitPaths(paths: string): string[] {
  return paths.split('\0').slice(0, -1);
}
