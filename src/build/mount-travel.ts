import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildRequest, CacheMountFrom, CacheMountTo } from '../build-types.ts';
import type { CacheMountRequest } from '../cache/index.ts';
import type { ArtifactEntry } from '../cache/mounts/artifact.ts';
import { exportCacheMounts } from '../cache/mounts/export.ts';
import { displayId, instanceDirectory, type MountFacts } from '../cache/mounts/facts.ts';
import { type MountImport, openMountImport } from '../cache/mounts/import.ts';
import { placeName } from '../cache/mounts/place.ts';
import { errorMessage } from '../errors.ts';
import { native } from '../native/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { formatBytes } from '../progress/units.ts';
import type { VertexReporter } from '../solver/types.ts';
import type { Workspace } from '../workspace.ts';
import { cacheMountsNotExported } from './errors.ts';
import { runPhase } from './phases.ts';

/** How the caches of a build's steps come and go: `--cache-mount-from`, `--cache-mount-to`. */
export interface MountTravel {
  /** Brings a cache that the store lacks, before the first step that mounts it. */
  beforeUse(this: void, name: string, request: CacheMountRequest): Promise<void>;
  /** Takes the caches that steps mounted to where they are kept. */
  exportUsed(): Promise<void>;
  close(): Promise<void>;
}

export interface MountTravelOptions {
  readonly workspace: Workspace;
  readonly request: Pick<BuildRequest, 'cacheMountsFrom' | 'cacheMountsTo'>;
  readonly sink: ProgressSink;
  readonly signal: AbortSignal;
}

export function createMountTravel({ workspace, request, sink, signal }: MountTravelOptions): MountTravel {
  const { cacheMountsFrom = [], cacheMountsTo = [] } = request;
  const context = { ...workspace, native };
  /** Mounts that steps have asked for: name -> id, and when they are there. */
  const used = new Map<string, { readonly id: string; readonly ready: Promise<void> }>();
  const opened = new Map<CacheMountFrom, Promise<MountImport | undefined>>();

  /** Each place is asked once in a build. `undefined`: it cannot be asked, which was said. */
  const open = (from: CacheMountFrom): Promise<MountImport | undefined> => {
    const known = opened.get(from);
    if (known !== undefined) return known;
    const opening = runPhase(sink, `[internal] load cache mounts of ${placeName(from.place)}`, async (reporter) => {
      const found = await orWarn(reporter, from.required, () => openMountImport(context, from.place, signal));
      if (found?.entries.length === 0) reporter.log(1, Buffer.from('nothing is there yet\n'));
      return found;
    });
    opened.set(from, opening);
    return opening;
  };

  const orWarn = async <T>(
    reporter: VertexReporter,
    required: boolean | undefined,
    work: () => Promise<T>,
  ): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (required) throw error;
      reporter.warn?.(`going on without: ${errorMessage(error)}`);
      return undefined;
    }
  };

  const bring = async (name: string, wanted: MountFacts): Promise<void> => {
    const isThere = existsSync(join(instanceDirectory(workspace.store, name, 0), 'data'));
    for (const from of cacheMountsFrom) {
      if (!isWanted(from, wanted.id) || (isThere && !from.replace)) continue;
      const place = await open(from);
      const entry = place === undefined ? undefined : findEntry(place.entries, wanted);
      if (place === undefined || entry === undefined) continue;
      const title = `importing cache mount ${displayId(wanted.id)} from ${placeName(from.place)}`;
      const imported = await runPhase(sink, title, (reporter) =>
        orWarn(reporter, from.required, () =>
          place.take(
            entry,
            {
              wait: true,
              signal,
              onTask: (...task) => reporter.task(...task),
              ...(from.maxBytes === undefined ? {} : { maxBytes: from.maxBytes }),
            },
            { ...wanted, createdMs: entry.facts.createdMs },
          ),
        ),
      );
      if (imported !== undefined) return;
    }
  };

  const exportTo = async (to: CacheMountTo): Promise<void> => {
    const names = [...used].filter(([, { id }]) => isWanted(to, id)).map(([name]) => name);
    // Steps that did not run have not changed theirs: what the place holds of them stays.
    if (names.length === 0) return;
    await runPhase(sink, `exporting cache mounts to ${placeName(to.place)}`, (reporter) =>
      orWarn(reporter, !to.ignoreError, async () => {
        const exported = await exportCacheMounts(context, names.sort(), to.place, {
          signal,
          onTask: (...task) => reporter.task(...task),
          ...(to.maxBytes === undefined ? {} : { maxBytes: to.maxBytes }),
        }).catch((error: unknown) => {
          throw signal.aborted ? error : cacheMountsNotExported(placeName(to.place), error);
        });
        const lines = exported.mounts.flatMap(({ id, leftOut }) =>
          leftOut.files === 0 ? [] : [`${id}: left out ${leftOut.files} files, ${formatBytes(leftOut.bytes)}\n`],
        );
        if (exported.unchanged) lines.push('unchanged\n');
        reporter.log(1, Buffer.from(lines.join('')));
      }),
    );
  };

  return {
    async beforeUse(name, { id, mode, uid, gid, seed }) {
      const wanted = { id, mode, uid, gid, ...(seed === undefined ? {} : { seed: seed.name }), createdMs: 0 };
      const known = used.get(name) ?? { id, ready: bring(name, wanted) };
      used.set(name, known);
      await known.ready;
    },
    async exportUsed() {
      for (const to of cacheMountsTo) await exportTo(to);
    },
    async close() {
      const places = await Promise.allSettled(opened.values());
      for (const place of places) if (place.status === 'fulfilled') await place.value?.close();
    },
  };
}

function isWanted({ ids }: Pick<CacheMountFrom, 'ids'>, id: string): boolean {
  return ids === undefined || ids.includes(displayId(id)) || ids.includes(id);
}

/** A mount of the same kind. A tree that a build made has another name in each store: which one it was first filled with cannot be told. */
function findEntry(entries: readonly ArtifactEntry[], wanted: MountFacts): ArtifactEntry | undefined {
  const alike = entries.filter(
    ({ facts: { id, mode, uid, gid, seed } }) =>
      id === wanted.id &&
      mode === wanted.mode &&
      uid === wanted.uid &&
      gid === wanted.gid &&
      (seed === undefined) === (wanted.seed === undefined),
  );
  const isImage = (seed: string | undefined): boolean => seed?.startsWith('sha256:') ?? false;
  return (
    alike.find(({ facts }) => facts.seed === wanted.seed) ??
    alike.find(({ facts }) => !isImage(facts.seed) && !isImage(wanted.seed))
  );
}
