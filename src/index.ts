/**
 * tsbuild as a library: builds images from Dockerfiles, and moves them between registries, without a daemon.
 * Every function opens the store for itself (`root`: default `TSBUILD_ROOT`, `/var/lib/tsbuild` as root, `$XDG_DATA_HOME/tsbuild`
 * otherwise) and rejects with a `TsbuildError` that has a stable `code`; when its `signal` aborts, with the signal's reason.
 */
import type { Readable, Writable } from 'node:stream';
import type { CheckResult } from './build/call/check.ts';
import type { ContextListing, ListContextOptions } from './build/context/list.ts';
import type { LockCheckResult, LockRequest, LockResult } from './build/remote/lock-types.ts';
import type { BuildRequest } from './build-types.ts';
import type { Outline, TargetList } from './dockerfile/outline/index.ts';
import type {
  HistoryRow,
  ImageInspection,
  ImageRecord,
  ImageSummary,
  ListOptions,
  LoadedImage,
  PulledImage,
  PullOptions,
  PushedImage,
  PushOptions,
  RemovedItem,
  SaveOptions,
  TaskOptions,
} from './images/types.ts';
import type { Platform } from './oci/index.ts';
import { withWorkspace } from './workspace.ts';

export { build } from './build/build.ts';
export type { CheckResult } from './build/call/check.ts';
export type { CheckReport, CheckWarning } from './build/call/types.ts';
export type { ContextEntry, ContextListing, IgnoredEntry, ListContextOptions } from './build/context/list.ts';
export type { LockCheckResult, LockRequest, LockResult } from './build/remote/lock-types.ts';
export type { MissingInput } from './build/remote/missing.ts';
export type {
  AnnotationSpec,
  BuildRequest,
  BuildResult,
  ContextMode,
  Entitlement,
  OutputSpec,
  PullPolicy,
  SecretSpec,
  SshSpec,
} from './build-types.ts';
export { DockerfileError } from './dockerfile/errors.ts';
export { createIgnoreMatcher, readIgnoreFile } from './dockerfile/ignore/index.ts';
export { RULES as CHECK_RULES, type Rule as CheckRule } from './dockerfile/lint/index.ts';
export type { Outline, Target, TargetList } from './dockerfile/outline/index.ts';
export { parseDockerfile } from './dockerfile/parse.ts';
export type { ParseResult } from './dockerfile/parser/index.ts';
export { expandWord, expandWords } from './dockerfile/shell/index.ts';
export { TsbuildError } from './errors.ts';
export type {
  HistoryRow,
  ImageInspection,
  ImageRecord,
  ImageSummary,
  ListFilters,
  ListOptions,
  LoadedImage,
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
  return await (await import('./build/remote/lock.ts')).lockDockerfile(request);
}

/** `tsbuild lock --check`: asks no server, changes nothing. Throws `LOCK_MISSING` for a lock file that has not all that is named. */
export async function checkLock(request: LockRequest): Promise<LockCheckResult> {
  return await (await import('./build/remote/check-lock.ts')).checkLock(request);
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
  return withWorkspace(options.root, ({ images }) => images.pushImage(reference, options), options);
}

/** `docker images`, newest first. */
export function listImages(options: ListOptions & StoreOptions = {}): Promise<readonly ImageSummary[]> {
  return withWorkspace(options.root, ({ images }) => images.listImages(options), READ);
}

/** `docker tag`. */
export function tagImage(source: string, name: string, options: StoreOptions = {}): Promise<ImageRecord> {
  return withWorkspace(options.root, ({ images }) => images.tagImage(source, name));
}

/** `docker rmi`. */
export function removeImage(
  reference: string,
  options: { readonly force?: boolean } & StoreOptions = {},
): Promise<readonly RemovedItem[]> {
  return withWorkspace(options.root, ({ images }) => images.removeImage(reference, options));
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

/** `docker save`; `output` is not ended. */
export function saveImages(
  references: readonly string[],
  output: Writable,
  options: SaveOptions & StoreOptions = {},
): Promise<void> {
  return withWorkspace(options.root, ({ images }) => images.saveImages(references, output, options));
}

/** `docker load`: archives of docker, skopeo, podman and tsbuild, compressed or not. */
export function loadImages(input: Readable, options: TaskOptions & StoreOptions = {}): Promise<readonly LoadedImage[]> {
  return withWorkspace(options.root, ({ images }) => images.loadImages(input, options));
}
