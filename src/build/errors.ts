import { withoutDescriptor } from '../content/index.ts';
import { DockerfileError } from '../dockerfile/errors.ts';
import type { SourceRange } from '../dockerfile/position.ts';
import { errorMessage, stableCode, TsbuildError } from '../errors.ts';
import type { SourceLocation } from '../llb/ops.ts';
import { OFFLINE_CODE } from '../network.ts';
import type { DockerfileInput } from './inputs.ts';

export function dockerfileMissing(path: string, hint: string, cause: unknown): TsbuildError {
  return new TsbuildError('DOCKERFILE_UNREADABLE', `there is no Dockerfile at ${path}`, {
    cause,
    hint,
    details: { path },
  });
}

export function dockerfileUnreadable(
  path: string,
  why: string,
  cause?: unknown,
  hint = 'the Dockerfile is a text file: name it with -f',
): TsbuildError {
  return new TsbuildError('DOCKERFILE_UNREADABLE', `cannot read the Dockerfile ${path}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint,
    details: { path },
  });
}

/** By the code of what went wrong: a registry's refusal stays one. */
export function cacheMountsNotExported(place: string, cause: unknown): TsbuildError {
  const known = cause instanceof TsbuildError ? cause : undefined;
  const message = `cannot export cache mounts to ${place}: ${errorMessage(withoutDescriptor(cause))}`;
  return new TsbuildError(stableCode(cause) ?? 'EXPORT_FAILED', message, {
    cause,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    details: { ...known?.details, place },
  });
}

/** The kernel lets only root give files to others, mount, and start containers. */
export function privilegeMissing(uid: number, what = 'building'): TsbuildError {
  return new TsbuildError('PRIVILEGE_MISSING', `${what} needs root, and this process is user ${uid}`, {
    hint: "run it with sudo, or as root of a user namespace with 65536 ids ('podman unshare', 'buildah unshare')",
    details: { uid },
  });
}

/** A step asks for a right that the build was not given. */
export function entitlementMissing(name: string): TsbuildError {
  return new TsbuildError('ENTITLEMENT_MISSING', `${name} is not allowed`, {
    hint: `the step asks for a right that only you can give: add --allow ${name} if you trust this Dockerfile`,
    details: { entitlement: name },
  });
}

export function pushNeedsName(): TsbuildError {
  return new TsbuildError('PUSH_NEEDS_NAME', 'nothing says where to push: the image has no name', {
    hint: 'name it with -t registry.example/repository:tag',
  });
}

/** Any error, with the place of the Dockerfile that it is about; one that knows its place is left as it is. */
export function locateError(error: unknown, range: SourceRange | undefined, dockerfile: DockerfileInput): unknown {
  const known = error instanceof TsbuildError ? error : undefined;
  if (range === undefined || error instanceof DockerfileError) return error;
  return new DockerfileError(stableCode(error) ?? 'BUILD_FAILED', errorMessage(error), {
    cause: error,
    file: dockerfile.fileName,
    source: dockerfile.text,
    range,
    ...(known === undefined ? {} : { details: known.details }),
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  });
}

/** A policy that asks registries contradicts a build that asks nobody. */
export function pullsOffline(): TsbuildError {
  return new TsbuildError(OFFLINE_CODE, '--pull asks registries, and --offline asks nobody', {
    hint: 'leave out one of them, or pull=missing',
  });
}

/** A step failed: what it was, where it stands, what went wrong, and where its whole output is. */
export function stepFailed(failure: StepFailure): DockerfileError {
  const { name, others, cause, location, source, logPath, buildId } = failure;
  const also = others.map((other) => `\nfailed at the same time: ${shorten(other)}`).join('');
  const known = cause instanceof TsbuildError ? cause : undefined;
  return new DockerfileError(stableCode(cause) ?? 'BUILD_FAILED', `${shorten(name)}: ${errorMessage(cause)}${also}`, {
    cause,
    source,
    details: {
      ...known?.details,
      step: name,
      instruction: name.replace(/^\[[^\]]*\] (?:ONBUILD )?/, ''),
      log: logPath,
      build: buildId,
    },
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    ...(location === undefined ? {} : { file: location.file, range: location }),
  });
}

/** More of a step's name is not repeated before its error: the frame shows the instruction. */
const MAX_NAME = 200;

function shorten(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}

export interface StepFailure {
  /** The step as progress shows it. */
  readonly name: string;
  /** Further steps that failed before they could be ended. */
  readonly others: readonly string[];
  readonly cause: unknown;
  readonly location: SourceLocation | undefined;
  /** The Dockerfile's text. */
  readonly source: string;
  readonly logPath: string;
  readonly buildId: string;
}
