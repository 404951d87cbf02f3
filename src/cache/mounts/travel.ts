import { setTimeout as sleep } from 'node:timers/promises';
import { type ContentStore, type CopyEvent, fetchContent } from '../../content/index.ts';
import { errorCode } from '../../errors.ts';
import type { TaskReporter } from '../../images/types.ts';
import type { NativeApi, SurveyTreeResult } from '../../native/types.ts';
import { type Descriptor, type Digest, isIndexType, isManifestType, MAX_MANIFEST_BYTES } from '../../oci/index.ts';
import type { Store } from '../../store/index.ts';
import { type ArtifactEntry, decodeMount, decodeMounts } from './artifact.ts';
import { mountNotFound } from './errors.ts';
import type { MountSource, PlaceContext } from './place.ts';

/** What cache mounts need to go either way. */
export interface TravelContext extends PlaceContext {
  readonly store: Pick<Store, 'paths' | 'lock' | 'owner'>;
  readonly content: ContentStore;
  readonly native: PlaceContext['native'] &
    Pick<NativeApi, 'surveyTree' | 'packPart' | 'unpackPart' | 'exchangePaths' | 'removeTree'>;
}

/** The kernel's clock for files moves in ticks: what changed within one may change again unseen. */
export const TICK_MS = 20;

/** Looks at a tree, once more where it has just been changed. */
export async function surveySettled(
  { native }: Pick<TravelContext, 'native'>,
  root: string,
  id: string,
): Promise<{ readonly survey: SurveyTreeResult; readonly isSettled: boolean }> {
  const survey = async () => {
    const startedMs = Date.now();
    try {
      const result = await native.surveyTree(root);
      return { survey: result, isSettled: startedMs - result.changedMs > TICK_MS };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw mountNotFound(id, [], 'the store');
      throw error;
    }
  };
  const first = await survey();
  if (first.isSettled) return first;
  await sleep(2 * TICK_MS);
  return await survey();
}

/** Many blobs shown as one task. */
export function sumProgress(name: string, onTask: TaskReporter | undefined) {
  const current = new Map<Digest, number>();
  let sum = 0;
  return {
    report: ({ descriptor, status, current: bytes }: CopyEvent): void => {
      const { digest, mediaType } = descriptor;
      if (isManifestType(mediaType) || isIndexType(mediaType) || (status !== 'copying' && status !== 'copied')) return;
      sum += bytes - (current.get(digest) ?? 0);
      current.set(digest, bytes);
      onTask?.(name, sum, 0);
    },
    end: (): void => {
      if (sum > 0) onTask?.(name, sum, 0, true);
    },
  };
}

/** What a place holds; `undefined` for nothing. Throws `CACHE_MOUNT_ARTIFACT_INVALID` for anything but cache mounts. */
export async function readPlace(
  source: MountSource,
  signal: AbortSignal,
): Promise<{ readonly descriptor: Descriptor; readonly entries: readonly ArtifactEntry[] } | undefined> {
  const descriptor = await source.resolve();
  if (descriptor === undefined) return undefined;
  const content = await fetchContent(source, descriptor, MAX_MANIFEST_BYTES, { signal });
  if (isIndexType(descriptor.mediaType)) return { descriptor, entries: decodeMounts(content, source.name) };
  const { facts } = decodeMount(content, source.name);
  return { descriptor, entries: [{ descriptor, facts }] };
}
