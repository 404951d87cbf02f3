import type { BuildRequest } from '../../build-types.ts';
import { DockerfileError } from '../../dockerfile/errors.ts';
import type { LintWarning } from '../../dockerfile/lint/index.ts';
import { toLocation } from '../../dockerfile/outline/index.ts';
import type { SourceRange } from '../../dockerfile/position.ts';
import { errorCode, errorMessage } from '../../errors.ts';
import { toLayouts } from '../context/contexts.ts';
import { convertDockerfile } from '../convert.ts';
import type { DockerfileInput } from '../inputs.ts';
import { type Inputs, loadInputs } from '../load.ts';
import { bindLock, createLatePins } from '../remote/late-pins.ts';
import { openLazyResolver } from './lazy-resolver.ts';
import { openPlaces } from './places.ts';
import { type CheckError, type CheckLocation, type CheckReport, type CheckWarning, toTokenRange } from './types.ts';

/**
 * `docker build --check`: runs the checks over the target, or over all stages when none is named, and builds nothing. Base images
 * are resolved, since some checks look at their configs; a Dockerfile that uses none needs no store. What a build would refuse is
 * `error` beside the report (and `buildError` in it), not a rejection; rejected is what keeps the file from being read at all.
 */
export async function checkDockerfile(request: BuildRequest): Promise<CheckResult> {
  const signal = request.signal ?? new AbortController().signal;
  const sink = request.onProgress ?? (() => {});
  const places = await openPlaces(request, sink, signal);
  const { main, named } = places;
  const pins = request.locked ? createLatePins() : undefined;
  const meta = openLazyResolver(request, toLayouts(named), sink, pins);
  const warnings: CheckWarning[] = [];
  let failure: Error | undefined;
  let inputs: Inputs | undefined;
  try {
    inputs = await loadInputs(request, places);
    if (pins !== undefined) bindLock(pins, request, inputs.dockerfile, main);
    const onWarning = (warning: LintWarning): unknown => warnings.push(describe(warning));
    await convertDockerfile({
      request,
      inputs,
      main,
      named,
      meta,
      onWarning,
      signal,
      allStages: request.target === undefined,
    });
  } catch (error) {
    signal.throwIfAborted();
    // That there is no file to read, or a bad option of the checks themselves, says nothing about the file.
    if (inputs === undefined || errorCode(error) === 'BUILD_ARG_INVALID') throw error;
    failure = error instanceof Error ? error : new Error(errorMessage(error));
  } finally {
    await meta.close();
    await places.close();
  }
  const report = { warnings, sources: [describeSource(inputs.dockerfile)] };
  return failure === undefined
    ? { report }
    : { report: { ...report, buildError: describeError(failure) }, error: failure };
}

export interface CheckResult {
  readonly report: CheckReport;
  /** What a build of the file would fail with, as far as that can be told without running anything. */
  readonly error?: Error;
}

function describe({ rule, message, instruction, range }: LintWarning): CheckWarning {
  return {
    ruleName: rule.name,
    description: rule.description,
    ...(rule.url === undefined ? {} : { url: rule.url }),
    detail: message,
    location: describePlace(instruction, range),
  };
}

function describePlace(instruction: SourceRange | undefined, token: SourceRange | undefined): CheckLocation {
  return {
    ...(instruction === undefined ? {} : toLocation(instruction)),
    ...(token === undefined ? {} : { token: toTokenRange(token) }),
  };
}

function describeError(error: unknown): CheckError {
  const range = error instanceof DockerfileError ? error.range : undefined;
  return { message: errorMessage(error), location: describePlace(range, range) };
}

function describeSource({ fileName, text }: DockerfileInput): CheckReport['sources'][number] {
  return { filename: fileName, data: Buffer.from(text).toString('base64'), language: 'Dockerfile' };
}
