import type { CheckResult } from '../build/call/check.ts';
import type { ContextListing, ListContextOptions } from '../build/context/list.ts';
import type { LockCheckResult, LockRequest, LockResult } from '../build/lock/types.ts';
import type { BuildRequest } from '../build-types.ts';
import type { Outline, TargetList } from '../dockerfile/outline/index.ts';

/**
 * `docker build --check`: runs the checks and builds nothing. Base images are resolved, since some checks look at their configs. What
 * a build would refuse is `error` beside the report, not a rejection; rejected is what keeps the file from being read at all.
 */
export async function checkDockerfile(request: BuildRequest): Promise<CheckResult> {
  return await (await import('../build/call/check.ts')).checkDockerfile(request);
}

/** `docker build --call=outline`: the arguments, secrets, ssh agents and caches that the target takes. Needs no store and no image. */
export async function outlineDockerfile(request: BuildRequest): Promise<Outline> {
  return await (await import('../build/call/describe.ts')).outlineDockerfile(request);
}

/** `docker build --call=targets`: the stages of the Dockerfile. Reads nothing but that. */
export async function listTargets(request: BuildRequest): Promise<TargetList> {
  return await (await import('../build/call/describe.ts')).listTargets(request);
}

/**
 * `tsbuild lock`: writes what the images, files of the web and refs that a Dockerfile names are now to its lock file, by which `build` with
 * `locked` goes. Throws what a build would, and `LOCK_INVALID`, `LOCK_VERSION`, `LOCK_NAME_UNKNOWN`.
 */
export async function lockDockerfile(request: LockRequest): Promise<LockResult> {
  return await (await import('../build/lock/lock.ts')).lockDockerfile(request);
}

/** `tsbuild lock --check`: asks no server, changes nothing. Throws `LOCK_MISSING` for a lock file that has not all that is named. */
export async function checkLock(request: LockRequest): Promise<LockCheckResult> {
  return await (await import('../build/lock/check.ts')).checkLock(request);
}

/** Lists a build context by one look at names and sizes; no file is opened. Throws `CONTEXT_UNREADABLE`, `DOCKERFILE_UNREADABLE`. */
export async function listContext(options: ListContextOptions): Promise<ContextListing> {
  return await (await import('../build/context/list.ts')).listContext(options);
}
