/**
 * tsbuild as a library: builds images from Dockerfiles, and moves them between registries, without a daemon.
 * Every function opens the store for itself (`root`: default `TSBUILD_ROOT`, `/var/lib/tsbuild` as root, `$XDG_DATA_HOME/tsbuild`
 * otherwise) and rejects with a `TsbuildError` that has a stable `code`; when its `signal` aborts, with the signal's reason.
 */
import type { Readable, Writable } from 'node:stream';
import type { CheckResult } from './build/call/check.ts';
import type { ContextListing, ListContextOptions } from './build/context/list.ts';
import type { CheckStoreOptions } from './build/fsck.ts';
import type { LockCheckResult, LockRequest, LockResult } from './build/lock/types.ts';
import type { BuildRequest, CacheMountPlace } from './build-types.ts';
import type { CacheMountInfo } from './cache/index.ts';
import type { ExportedMounts, ExportOptions as ExportMountOptions } from './cache/mounts/export.ts';
import type { ImportedMount, ImportOptions as ImportMountOptions } from './cache/mounts/import.ts';
import type { MountChoice, RemovedMount } from './cache/mounts/library.ts';
import type { Outline, TargetList } from './dockerfile/outline/index.ts';
import type { BuildHistory, BuildInspection, BuildRecord, Explanation } from './history/index.ts';
import type {
  HistoryRow,
  ImageInspection,
  ImageRecord,
  ImageSummary,
  ListOptions,
  LoadedImage,
  PruneImagesOptions,
  PulledImage,
  PullOptions,
  PushedImage,
  PushOptions,
  RemovedItem,
  SaveOptions,
  TaskOptions,
} from './images/types.ts';
import { native } from './native/index.ts';
import type { Platform } from './oci/index.ts';
import type { StoreCheck } from './upkeep/fsck/types.ts';
import type { PruneResult } from './upkeep/prune.ts';
import type { Usage, UsageItem } from './upkeep/types.ts';
import type { KeptReport } from './upkeep/why-kept.ts';
import { withWorkspace } from './workspace.ts';

export { build } from './build/build.ts';
export type { CheckResult } from './build/call/check.ts';
export type { CheckReport, CheckWarning } from './build/call/types.ts';
export type { ContextEntry, ContextListing, IgnoredEntry, ListContextOptions } from './build/context/list.ts';
export type { LockCheckResult, LockRequest, LockResult } from './build/lock/types.ts';
export type { CacheMissedError } from './build/misses.ts';
export { endUpkeep } from './build/upkeep.ts';
export type {
  AnnotationSpec,
  BuildRequest,
  BuildResult,
  CacheDestinationSpec,
  CacheExportOptions,
  CacheMountFrom,
  CacheMountPlace,
  CacheMountTo,
  CacheSourceSpec,
  ContextMode,
  Entitlement,
  OutputSpec,
  PullPolicy,
  SecretSpec,
  SshSpec,
} from './build-types.ts';
export type { CacheMountInfo } from './cache/index.ts';
export type { ExportedMount, ExportedMounts, ExportOptions as ExportMountOptions } from './cache/mounts/export.ts';
export type { ImportedMount, ImportOptions as ImportMountOptions } from './cache/mounts/import.ts';
export type { MountChoice, RemovedMount } from './cache/mounts/library.ts';
export { DockerfileError } from './dockerfile/errors.ts';
export { createIgnoreMatcher, readIgnoreFile } from './dockerfile/ignore/index.ts';
export { RULES as CHECK_RULES, type Rule as CheckRule } from './dockerfile/lint/index.ts';
export type { Outline, Target, TargetList } from './dockerfile/outline/index.ts';
export { parseDockerfile } from './dockerfile/parse.ts';
export type { ParseResult } from './dockerfile/parser/index.ts';
export { expandWord, expandWords } from './dockerfile/shell/index.ts';
export { TsbuildError } from './errors.ts';
export type {
  BuildInspection,
  BuildRecord,
  BuildStatus,
  ExplainedStep,
  Explanation,
  FileDifference,
  Reason as MissReason,
  RecordedStep,
} from './history/index.ts';
export type {
  HistoryRow,
  ImageInspection,
  ImageRecord,
  ImageSummary,
  ListFilters,
  ListOptions,
  LoadedImage,
  PruneImagesOptions,
  PulledImage,
  PullOptions,
  PushedImage,
  PushOptions,
  RemovedItem,
  SaveOptions,
} from './images/types.ts';
export type { Descriptor, Digest, ImageConfig, Platform } from './oci/index.ts';
export { formatPlatform, parsePlatform } from './oci/index.ts';
export type { SolveStatus } from './progress/events.ts';
export type { Finding, StoreCheck } from './upkeep/fsck/types.ts';
export type { PruneResult } from './upkeep/prune.ts';
export type { Usage, UsageItem } from './upkeep/types.ts';
export type { KeptReason, KeptReport } from './upkeep/why-kept.ts';

// What a build does not need is loaded when it is called.

/**
 * `docker build --check`: runs the checks and builds nothing. Base images are resolved, since some checks look at their configs. What
 * a build would refuse is `error` beside the report, not a rejection; rejected is what keeps the file from being read at all.
 */
export async function checkDockerfile(request: BuildRequest): Promise<CheckResult> {
  return await (await import('./build/call/check.ts')).checkDockerfile(request);
}

/** `docker build --call=outline`: the arguments, secrets, ssh agents and caches that the target takes. Needs no store and no image. */
export async function outlineDockerfile(request: BuildRequest): Promise<Outline> {
  return await (await import('./build/call/describe.ts')).outlineDockerfile(request);
}

/** `docker build --call=targets`: the stages of the Dockerfile. Reads nothing but that. */
export async function listTargets(request: BuildRequest): Promise<TargetList> {
  return await (await import('./build/call/describe.ts')).listTargets(request);
}

/**
 * `tsbuild lock`: writes what the images, files of the web and refs that a Dockerfile names are now to its lock file, by which `build` with
 * `locked` goes. Throws what a build would, and `LOCK_INVALID`, `LOCK_VERSION`, `LOCK_NAME_UNKNOWN`.
 */
export async function lockDockerfile(request: LockRequest): Promise<LockResult> {
  return await (await import('./build/lock/lock.ts')).lockDockerfile(request);
}

/** `tsbuild lock --check`: asks no server, changes nothing. Throws `LOCK_MISSING` for a lock file that has not all that is named. */
export async function checkLock(request: LockRequest): Promise<LockCheckResult> {
  return await (await import('./build/lock/check.ts')).checkLock(request);
}

/** Lists a build context by one look at names and sizes; no file is opened. Throws `CONTEXT_UNREADABLE`, `DOCKERFILE_UNREADABLE`. */
export async function listContext(options: ListContextOptions): Promise<ContextListing> {
  return await (await import('./build/context/list.ts')).listContext(options);
}

/** Which store. */
export interface StoreOptions {
  readonly root?: string;
  /** What would ask a server rejects with `OFFLINE`. */
  readonly offline?: boolean;
}

/** Only looks: a store that is not there is empty, and not made; one on a read-only file system is read as it lies. */
const READ = { access: 'read' } as const;

/** Changes what is in a store: where there is none it has nothing to do, and makes none. */
const EXISTING = { access: 'existing' } as const;

/** `docker pull`. */
export function pullImage(reference: string, options: PullOptions & StoreOptions = {}): Promise<PulledImage> {
  return withWorkspace(
    options.root,
    async (workspace) => {
      await workspace.sweep();
      return await workspace.images.pullImage(reference, options);
    },
    options,
  );
}

/** `docker push`. */
export function pushImage(reference: string, options: PushOptions & StoreOptions = {}): Promise<PushedImage> {
  return withWorkspace(options.root, ({ images }) => images.pushImage(reference, options), { ...EXISTING, ...options });
}

/** `docker images`, newest first. */
export function listImages(options: ListOptions & StoreOptions = {}): Promise<readonly ImageSummary[]> {
  return withWorkspace(options.root, ({ images }) => images.listImages(options), READ);
}

/** `docker tag`. */
export function tagImage(source: string, name: string, options: StoreOptions = {}): Promise<ImageRecord> {
  return withWorkspace(options.root, ({ images }) => images.tagImage(source, name), EXISTING);
}

/** `docker rmi`. */
export function removeImage(
  reference: string,
  options: { readonly force?: boolean } & StoreOptions = {},
): Promise<readonly RemovedItem[]> {
  return withWorkspace(options.root, ({ images }) => images.removeImage(reference, options), EXISTING);
}

/** What `pruneImages` did. */
export interface PrunedImages {
  readonly removed: readonly RemovedItem[];
  /** What the store takes less than before. */
  readonly bytes: number;
}

/** `docker image prune`: removes the images that lost their names; with `all` every image: there is no container that would keep one. */
export async function pruneImages(options: PruneImagesOptions & StoreOptions = {}): Promise<PrunedImages> {
  const before = (await diskUsage(options)).totalBytes;
  const removed = await withWorkspace(options.root, ({ images }) => images.pruneImages(options), EXISTING);
  return { removed, bytes: Math.max(0, before - (await diskUsage(options)).totalBytes) };
}

/** `docker image inspect`. */
export function inspectImage(
  reference: string,
  options: { readonly platform?: Platform } & StoreOptions = {},
): Promise<ImageInspection> {
  return withWorkspace(options.root, ({ images }) => images.inspectImage(reference, options.platform), READ);
}

/** `docker history`, newest entry first. */
export function imageHistory(
  reference: string,
  options: { readonly platform?: Platform } & StoreOptions = {},
): Promise<readonly HistoryRow[]> {
  return withWorkspace(options.root, ({ images }) => images.imageHistory(reference, options.platform), READ);
}

/** The cache mounts of the store (`RUN --mount=type=cache`), last used first. */
export function listCacheMounts(
  options: { readonly measured?: boolean } & StoreOptions = {},
): Promise<readonly CacheMountInfo[]> {
  return withWorkspace(
    options.root,
    async ({ store }) => {
      const { listCacheMounts: list } = await import('./cache/index.ts');
      return await list(store, native, options);
    },
    READ,
  );
}

/**
 * Takes cache mounts, given by id or by the beginning of their names, to a place as OCI artifacts. What the place has of other ids
 * stays; only what it lacks is sent. Throws `CACHE_MOUNT_NOT_FOUND`, `CACHE_MOUNT_BUSY`.
 */
export function exportCacheMounts(
  choice: MountChoice,
  place: CacheMountPlace,
  options: ExportMountOptions & StoreOptions = {},
): Promise<ExportedMounts> {
  return withWorkspace(
    options.root,
    async (workspace) => {
      const { exportChosen } = await import('./cache/mounts/library.ts');
      return await exportChosen({ ...workspace, native }, choice, place, options);
    },
    EXISTING,
  );
}

/**
 * Brings cache mounts from a place where they were exported to: some ids, or all. Throws `CACHE_MOUNT_NOT_FOUND`,
 * `CACHE_MOUNT_IN_USE`, `CACHE_MOUNT_ARTIFACT_INVALID`.
 */
export function importCacheMounts(
  choice: MountChoice,
  place: CacheMountPlace,
  options: ImportMountOptions & StoreOptions = {},
): Promise<readonly ImportedMount[]> {
  return withWorkspace(options.root, async (workspace) => {
    const { importChosen } = await import('./cache/mounts/library.ts');
    return await importChosen({ ...workspace, native }, choice, place, options);
  });
}

/** Removes cache mounts. Throws `CACHE_MOUNT_NOT_FOUND`, `CACHE_MOUNT_IN_USE`. */
export function removeCacheMounts(
  choice: MountChoice,
  options: { readonly signal?: AbortSignal } & StoreOptions = {},
): Promise<readonly RemovedMount[]> {
  return withWorkspace(
    options.root,
    async ({ store }) => {
      const { removeChosen } = await import('./cache/mounts/library.ts');
      return await removeChosen({ store, native }, choice, options.signal);
    },
    EXISTING,
  );
}

/** `docker save`; `output` is not ended. */
export function saveImages(
  references: readonly string[],
  output: Writable,
  options: SaveOptions & StoreOptions = {},
): Promise<void> {
  return withWorkspace(options.root, ({ images }) => images.saveImages(references, output, options), EXISTING);
}

/** `docker load`: archives of docker, skopeo, podman and tsbuild, compressed or not. */
export function loadImages(input: Readable, options: TaskOptions & StoreOptions = {}): Promise<readonly LoadedImage[]> {
  return withWorkspace(options.root, ({ images }) => images.loadImages(input, options));
}

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
    const { writeBundle } = await import('./history/export.ts');
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
    import('./history/history.ts'),
    import('./store/index.ts'),
  ]);
  const store = await openStore(root, { access: 'read' });
  try {
    return await work(createBuildHistory(store.paths, native));
  } finally {
    await store.close();
  }
}

export interface DiskUsageOptions extends StoreOptions {
  /** As `buildx du --filter` takes them: `type=regular`, `inuse`, `id~=^3f`. */
  readonly filters?: readonly string[];
  readonly signal?: AbortSignal;
  /** Files and bytes that were looked at so far. */
  readonly onProgress?: (files: number, bytes: number) => void;
}

/**
 * `buildx du`: what a store takes on disk, to the byte what `du -s` says of its root; with filters, of what they leave. Throws
 * `FILTER_INVALID`.
 */
export async function diskUsage(options: DiskUsageOptions = {}): Promise<Usage> {
  const { filterUsage, surveyStore } = await import('./upkeep/index.ts');
  return withWorkspace(
    options.root,
    async (workspace) => filterUsage(await surveyStore(workspace, native, options), options.filters ?? []),
    READ,
  );
}

export interface PruneStoreOptions extends DiskUsageOptions {
  /** Also what images of the store have too, and what is only for the builder itself. */
  readonly all?: boolean;
  /** Bytes, for the whole store. Without any limit all that the filters leave goes. */
  readonly maxUsedSpace?: number;
  readonly minFreeSpace?: number;
  readonly reservedSpace?: number;
  /** Only what was not used for so long. */
  readonly unusedForMs?: number;
  readonly dryRun?: boolean;
  readonly onRemoved?: (item: UsageItem) => void;
}

/**
 * `buildx prune`: removes what no image needs and no running build uses, what was not used for the longest time first. Throws
 * `FILTER_INVALID`, `STORE_BUSY`.
 */
export async function pruneStore(options: PruneStoreOptions = {}): Promise<PruneResult> {
  const { compileFilters, pruneByRules } = await import('./upkeep/index.ts');
  const { all = false, filters = [], maxUsedSpace, minFreeSpace, reservedSpace, unusedForMs } = options;
  const rules = {
    all,
    filters: compileFilters(filters),
    ...(maxUsedSpace === undefined ? {} : { maxUsedSpace }),
    ...(minFreeSpace === undefined ? {} : { minFreeSpace }),
    ...(reservedSpace === undefined ? {} : { reservedSpace }),
    ...(unusedForMs === undefined ? {} : { unusedForMs }),
  };
  return withWorkspace(
    options.root,
    async (workspace) => {
      if (!options.dryRun) {
        if (workspace.store.isReadOnly) return { removed: [], bytes: 0, totalBytes: 0 };
        await workspace.sweep();
      }
      return pruneByRules(workspace, native, [rules], options);
    },
    options.dryRun ? READ : EXISTING,
  );
}

/** What keeps an image, snapshot, blob, cache mount or cache record in the store, and what would free it. Throws `NOTHING_FOUND`, `NAME_AMBIGUOUS`. */
export async function whyKept(
  reference: string,
  options: StoreOptions & { readonly signal?: AbortSignal } = {},
): Promise<readonly KeptReport[]> {
  const { explainKept, surveyStore } = await import('./upkeep/index.ts');
  return withWorkspace(
    options.root,
    async (workspace) => explainKept(workspace, await surveyStore(workspace, native, options), reference),
    READ,
  );
}

/**
 * `tsbuild fsck`: verifies every blob, snapshot, image and record of a store; with `repair` mends what can be mended. No image that is whole
 * is lost by it. Throws `STORE_BUSY`.
 */
export async function checkStore(options: CheckStoreOptions = {}): Promise<StoreCheck> {
  return (await import('./build/fsck.ts')).checkStoreAt(options);
}
