/**
 * tsbuild as a library: builds images from Dockerfiles, and moves them between registries, without a daemon.
 * Every function opens the store for itself (`root`: default `TSBUILD_ROOT`, `/var/lib/tsbuild` as root, `$XDG_DATA_HOME/tsbuild`
 * otherwise) and rejects with a `TsbuildError` that has a stable `code`; when its `signal` aborts, with the signal's reason.
 */
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
export {
  explainBuild,
  exportBuilds,
  inspectBuild,
  listBuilds,
  readBuildLog,
  removeBuildRecord,
} from './library/builds.ts';
export { exportCacheMounts, importCacheMounts, listCacheMounts, removeCacheMounts } from './library/cache-mounts.ts';
export {
  checkDockerfile,
  checkLock,
  listContext,
  listTargets,
  lockDockerfile,
  outlineDockerfile,
} from './library/dockerfiles.ts';
export type { PrunedImages } from './library/images.ts';
export {
  imageHistory,
  inspectImage,
  listImages,
  loadImages,
  pruneImages,
  pullImage,
  pushImage,
  removeImage,
  saveImages,
  tagImage,
} from './library/images.ts';
export type { StoreOptions } from './library/options.ts';
export type { DiskUsageOptions, PruneStoreOptions } from './library/store.ts';
export { checkStore, diskUsage, pruneStore, whyKept } from './library/store.ts';
export type { Descriptor, Digest, ImageConfig, Platform } from './oci/index.ts';
export { formatPlatform, parsePlatform } from './oci/index.ts';
export type { SolveStatus } from './progress/events.ts';
export type { Finding, StoreCheck } from './upkeep/fsck/types.ts';
export type { PruneResult } from './upkeep/prune.ts';
export type { Usage, UsageItem } from './upkeep/types.ts';
export type { KeptReason, KeptReport } from './upkeep/why-kept.ts';
