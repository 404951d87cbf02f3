import type { Readable, Writable } from 'node:stream';
import type { BuildHistory, BuildInspection, BuildRecord, Explanation } from '../history/index.ts';
import { native } from '../native/index.ts';
import type { StoreOptions } from './options.ts';

/** `docker buildx history ls`: the builds whose records are kept, newest first; one that runs is among them. */
export function listBuilds(options: StoreOptions = {}): Promise<readonly BuildRecord[]> {
  return withHistory(options, (history) => history.list());
}

/**
 * `docker buildx history inspect`: a build with its steps. `reference` is an id or its beginning, empty or `^0` for the last build that
 * ended, `^1` for the one before. Throws `BUILD_NOT_FOUND`, `BUILD_AMBIGUOUS`, as all functions that take one.
 */
export function inspectBuild(reference: string, options: StoreOptions = {}): Promise<BuildInspection> {
  return withHistory(options, (history) => history.inspect(reference));
}

/**
 * Why a build's steps were not taken from the cache: what of each key is not what it was in an earlier build, the causes first.
 * Throws `BUILD_INCOMPLETE`.
 */
export function explainBuild(reference: string, options: StoreOptions = {}): Promise<Explanation> {
  return withHistory(options, (history) => history.explain(reference));
}

/** `docker buildx history logs`: all that a build said, as it lies on disk. */
export function readBuildLog(
  reference: string,
  options: StoreOptions = {},
): Promise<{ readonly id: string; readonly log: Readable }> {
  return withHistory(options, (history) => history.readLog(reference));
}

/** `docker buildx history rm`: removes a build's record and log; returns its id. Throws `BUILD_RUNNING`. */
export function removeBuildRecord(reference: string, options: StoreOptions = {}): Promise<string> {
  return withHistory(options, (history) => history.remove(reference));
}

/** `docker buildx history export`: writes a tar with records, logs, Dockerfiles and keys; `output` is not ended. */
export function exportBuilds(
  references: readonly string[],
  output: Writable,
  options: StoreOptions & { readonly signal?: AbortSignal } = {},
): Promise<void> {
  return withHistory(options, async (history) => {
    const { writeBundle } = await import('../history/export.ts');
    const builds = await Promise.all(
      references.map(async (reference) => {
        const inspection = await history.inspect(reference);
        const explanation = await history.explain(inspection.record.id).catch(() => undefined);
        return { ...inspection, explanation };
      }),
    );
    await writeBundle(builds, output, options.signal ?? new AbortController().signal);
  });
}

async function withHistory<T>({ root }: StoreOptions, work: (history: BuildHistory) => Promise<T>): Promise<T> {
  const [{ createBuildHistory }, { openStore }] = await Promise.all([
    import('../history/history.ts'),
    import('../store/index.ts'),
  ]);
  const store = await openStore(root, { access: 'read' });
  try {
    return await work(createBuildHistory(store.paths, native));
  } finally {
    await store.close();
  }
}
