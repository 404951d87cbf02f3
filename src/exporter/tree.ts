import { resolve } from 'node:path';
import { makeDirectories } from '../directories.ts';
import type { RootMount } from '../oci/index.ts';
import { writeDestination } from './destination.ts';
import { exportFailed } from './errors.ts';
import type { BuiltTree, ExportContext } from './types.ts';

/** `type=tar`: the merged tree, without image or layers. */
export async function exportTar(built: BuiltTree, dest: string, context: ExportContext): Promise<void> {
  const root = await viewTree(built, context);
  await writeDestination(dest, context.stdoutFd ?? 1, async (outputFd) => {
    await context.native.packTree({ root, outputFd });
  });
}

/**
 * `type=local`: the merged tree into a directory, made when missing; what else is in there stays. Everything belongs to whoever
 * runs the build, as with buildx; modes and times are kept.
 */
export async function exportLocal(built: BuiltTree, dest: string, context: ExportContext): Promise<void> {
  const directory = resolve(dest);
  try {
    makeDirectories(directory);
    const root = await viewTree(built, context);
    if (root.lowers.length === 0) return;
    await context.native.changeTree({
      root: { lowers: [], upper: directory },
      sources: [{ root }],
      actions: [
        {
          type: 'copy',
          source: 0,
          src: '/',
          dest: '/',
          owner: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
          followSymlinks: false,
          dirCopyContents: true,
          allowWildcard: false,
          allowEmptyWildcard: false,
          createDestPath: true,
          attemptUnpack: false,
        },
      ],
    });
  } catch (error) {
    throw exportFailed(directory, error);
  }
}

async function viewTree(built: BuiltTree, { snapshotter, trees, onTask, signal }: ExportContext): Promise<RootMount> {
  const name = await trees.snapshotOf(built.tree, { onTask, signal });
  return name === undefined ? { lowers: [] } : snapshotter.view(name);
}
