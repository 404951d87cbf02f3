import { errorCode, errorMessage } from '../../errors.ts';
import { type State, sourceState } from '../../llb/index.ts';
import {
  familiarReference,
  formatPlatform,
  formatReference,
  type Platform,
  parseTaggedReference,
  type Reference,
} from '../../oci/index.ts';
import { suggest } from '../../suggest.ts';
import { DockerfileError, didYouMean, unsupportedError } from '../errors.ts';
import { checkBasePlatform, type Linter } from '../lint/index.ts';
import { type BuildStage, SCRATCH } from '../stages/index.ts';
import type { Conversion, StageDraft } from './draft.ts';
import { draftFrom, emptyImage, type ImageDraft } from './image.ts';
import { nameStep } from './names.ts';
import type { ConvertRequest, NamedContext, ResolvedImage } from './types.ts';

/** What a stage that starts from no other stage starts from. */
export interface ResolvedBase {
  readonly platform: Platform;
  readonly image: ImageDraft;
  /** The pinned image; `undefined` for scratch, for a context, and for an image without layers. */
  readonly pinned: string | undefined;
  readonly localContext: string | undefined;
}

type Resolve = (reference: string, platform: Platform) => Promise<ResolvedImage>;

/** A resolver that asks once for each reference and platform, however many stages start from it. */
export function createResolver(request: ConvertRequest): Resolve {
  const pending = new Map<string, Promise<ResolvedImage>>();
  return (reference, platform) => {
    const key = `${reference} ${formatPlatform(platform)}`;
    let resolved = pending.get(key);
    if (resolved === undefined) {
      const prefix = request.multiPlatform ? `[${formatPlatform(platform)} internal]` : '[internal]';
      resolved = request.meta.resolveImageConfig(reference, platform, {
        logName: `${prefix} load metadata for ${reference}`,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      pending.set(key, resolved);
    }
    return resolved;
  };
}

export async function resolveBase(
  request: ConvertRequest,
  file: Linter,
  stage: BuildStage,
  resolve: Resolve,
  stageNames: Iterable<string>,
): Promise<ResolvedBase> {
  const platform = stage.platform ?? request.targetPlatform;
  const stageContext = stage.replaced ? findContext(request, [stage.name]) : undefined;
  if (stageContext === undefined && stage.baseName === SCRATCH) return emptyBase(request.targetPlatform);
  try {
    const reference = stageContext === undefined ? parseTaggedReference(stage.baseName) : undefined;
    const context = stageContext ?? findContext(request, baseNames(stage.baseName, reference));
    if (context !== undefined && context.type !== 'local' && context.type !== 'image')
      throw unsupportedError(`a build context of type ${context.type}`, stage.range);
    if (context?.type === 'local') return { ...emptyBase(platform), localContext: context.name };
    const wanted = context === undefined ? reference : parseTaggedReference(context.reference);
    if (wanted === undefined) return emptyBase(platform);
    const resolved = await resolve(formatReference(wanted), platform);
    checkBasePlatform(file.at(stage.range, []), stage.baseName, platform, resolved.config, stage.baseRange);
    return {
      platform,
      image: draftFrom(resolved.config),
      pinned: resolved.config.rootfs.diff_ids.length === 0 ? undefined : resolved.reference,
      localContext: undefined,
    };
  } catch (error) {
    throw explainBaseError(error, stage, stageNames);
  }
}

/** The tree of a base, as the first step of its stage. */
export function baseState(conversion: Conversion, draft: StageDraft, base: ResolvedBase): State | undefined {
  if (base.localContext !== undefined) return conversion.contexts.state(base.localContext);
  if (base.pinned === undefined) return undefined;
  const { range } = draft.stage;
  return sourceState(
    { identifier: `docker-image://${base.pinned}`, platform: base.platform, attrs: {} },
    {
      name: nameStep(conversion, draft, `FROM ${base.pinned}`),
      source: { file: conversion.request.fileName, start: range.start, end: range.end },
    },
  );
}

function emptyBase(platform: Platform): ResolvedBase {
  return { platform, image: emptyImage(platform), pinned: undefined, localContext: undefined };
}

function baseNames(name: string, reference: Reference | undefined): string[] {
  if (reference === undefined) return [name];
  return [name, familiarReference(reference), formatReference(reference)];
}

function findContext(request: ConvertRequest, names: readonly string[]): NamedContext | undefined {
  for (const name of names) {
    const context = request.namedContexts?.get(name.toLowerCase());
    if (context !== undefined) return context;
  }
  return undefined;
}

function explainBaseError(error: unknown, stage: BuildStage, stageNames: Iterable<string>): DockerfileError {
  const near = didYouMean(suggest(stage.baseName, stageNames));
  const hint = near ?? (error instanceof Error && 'hint' in error ? error.hint : undefined);
  return new DockerfileError(errorCode(error) ?? 'DOCKERFILE_STAGE', `${stage.baseName}: ${errorMessage(error)}`, {
    cause: error,
    range: stage.baseRange,
    ...(typeof hint === 'string' ? { hint } : {}),
  });
}
