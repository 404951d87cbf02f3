import { native } from '../native/index.ts';
import { type Workspace, withWorkspace } from '../workspace.ts';

const running = new Set<Promise<unknown>>();
const stop = new AbortController();

/** A limit that is misspelt would otherwise hold for nothing, and nobody would hear of it. Throws `SETTING_INVALID`. */
export async function checkUpkeep({ store }: Workspace): Promise<void> {
  const { readSettings } = await import('../upkeep/settings.ts');
  readSettings(store.paths.root);
}

/**
 * Begins to keep the store within its limits, once a build has let go of it: not as a part of the build, whose result does not wait. What
 * goes wrong then is no failure of the build; the next one, or a prune, meets it again.
 */
export function beginUpkeep(workspace: Workspace): () => void {
  const { store } = workspace;
  return () => {
    const made = store.made();
    // A build that made nothing costs nothing.
    if (made.length === 0 || process.env.TSBUILD_GC === 'off') return;
    const work = withWorkspace(store.paths.root, async (fresh) => {
      const { collectAfterBuild } = await import('../upkeep/index.ts');
      await collectAfterBuild(fresh, native, { made, signal: stop.signal });
    })
      .catch(() => {})
      .finally(() => running.delete(work));
    running.add(work);
  };
}

/**
 * Waits for what builds of this process have begun, and ends it after `waitMs`: what is half deleted then, the next command deletes. For who
 * is about to end the process.
 */
export async function endUpkeep(waitMs: number): Promise<void> {
  if (running.size === 0) return;
  const timer = setTimeout(() => stop.abort(), waitMs);
  await Promise.all(running);
  clearTimeout(timer);
}
