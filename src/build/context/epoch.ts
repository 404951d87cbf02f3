import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildRequest } from '../../build-types.ts';
import type { TreeLoader } from './dockerfile.ts';
import type { MainContext } from './main.ts';
import { DOWNLOAD_NAME } from './remote.ts';

/** The value of `SOURCE_DATE_EPOCH` that means the age of the main context, as in BuildKit. */
export const EPOCH_OF_CONTEXT = 'context';

/**
 * Puts a time in the place of `SOURCE_DATE_EPOCH=context`: that of the commit, of the Last-Modified header, or else of the newest file in
 * a tar. A directory has none that two machines would agree on: then it is not set.
 */
export async function resolveEpoch(
  request: BuildRequest,
  main: MainContext,
  loadTree: TreeLoader,
): Promise<BuildRequest> {
  const { SOURCE_DATE_EPOCH: given, ...others } = request.buildArgs ?? {};
  if (given !== EPOCH_OF_CONTEXT) return request;
  const seconds = await findTime(main, loadTree);
  const buildArgs = seconds === undefined ? others : { ...others, SOURCE_DATE_EPOCH: String(seconds) };
  return { ...request, buildArgs };
}

/** Seconds since 1970. */
async function findTime(main: MainContext, loadTree: TreeLoader): Promise<number | undefined> {
  if (main.type === 'directory') return undefined;
  if (main.type === 'stream') return newestFile(main.directory);
  const { archive, ...source } = main.source;
  // The same commit, its files with the commit's time.
  if (archive === undefined)
    return newestFile(await loadTree({ ...source, attrs: { ...source.attrs, 'git.mtime': 'commit' } }));
  const modified = lstatSync(join(await loadTree(source), DOWNLOAD_NAME)).mtimeMs;
  return modified > 0 ? toSeconds(modified) : newestFile(await loadTree(main.source));
}

/** Folders do not count: those that a tar does not name are as old as their unpacking. */
function newestFile(root: string): number | undefined {
  let newest: number | undefined;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else newest = Math.max(newest ?? 0, toSeconds(lstatSync(path).mtimeMs));
    }
  }
  return newest;
}

function toSeconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
