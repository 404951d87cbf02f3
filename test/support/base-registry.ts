import { cpSync, existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BaseName, baseCacheDir, baseLayout } from './bases.ts';
import { exec } from './exec.ts';
import { withFileLock } from './file-lock.ts';
import { makeAtomically } from './layout-writer.ts';
import { type Registry, startRegistry } from './registry.ts';
import { makeTempDir, removeTree } from './temp.ts';

/**
 * Starts a registry of its own for a test file, which holds each base as `<host>/<name>:1` and may be pushed to. The
 * storage begins as a copy of one that is filled once on this machine, with the blobs hard-linked.
 */
export async function startBaseRegistry(bases: readonly BaseName[]): Promise<Registry> {
  // Beside the cached storage: a hard link cannot leave its file system.
  const root = makeTempDir('reg', baseCacheDir());
  try {
    for (const base of bases) copyStorage(await baseStorage(base), root);
    const registry = await startRegistry({ root });
    return {
      ...registry,
      async stop() {
        await registry.stop();
        removeTree(root);
      },
    };
  } catch (error) {
    removeTree(root);
    throw error;
  }
}

/** The storage folder of a registry to which one base was pushed. */
async function baseStorage(base: BaseName): Promise<string> {
  const layout = await baseLayout(base);
  const storage = `${layout}.registry`;
  if (existsSync(storage)) return storage;
  await withFileLock(`${layout}.lock`, async () => {
    if (existsSync(storage)) return;
    await makeAtomically(storage, async (partial) => {
      const registry = await startRegistry({ root: partial });
      try {
        await exec('skopeo', [
          'copy',
          '--insecure-policy',
          '--dest-tls-verify=false',
          `oci:${layout}:1`,
          `docker://${registry.host}/${base}:1`,
        ]);
      } finally {
        await registry.stop();
      }
    });
  });
  return storage;
}

/** Blob data never changes once written and may be shared; all else (links of tags) is small and copied. */
function copyStorage(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyStorage(source, target);
    else if (entry.name !== 'data') cpSync(source, target);
    else if (!existsSync(target)) linkSync(source, target);
  }
}
