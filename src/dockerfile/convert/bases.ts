import { type State, sourceState } from '../../llb/index.ts';
import {
  formatPlatform,
  formatReference,
  type Platform,
  parseTaggedReference,
  type Reference,
} from '../../oci/index.ts';
import { checkBasePlatform } from '../lint/index.ts';
import type { SourceRange } from '../position.ts';
import { type BuildStage, explainBaseError, SCRATCH } from '../stages/index.ts';
import { remoteState } from './context-reads.ts';
import type { Conversion, StageDraft } from './draft.ts';
import { draftFrom, emptyImage, type ImageDraft } from './image/image.ts';
import { nameStep } from './names.ts';
import type { ConvertRequest, NamedContext, ResolvedImage } from './types.ts';

/** What a stage that starts from no other stage starts from. */
export interface ResolvedBase {
  readonly platform: Platform;
  readonly image: ImageDraft;
  /** Where the tree comes from; `undefined` for scratch and for an image without layers. */
  readonly tree: BaseTree | undefined;
  /** The tree is this local context. */
  readonly localContext: string | undefined;
}

/** An image or a layout by its pinned identifier, or a context. `title`: the vertex is no numbered step of its stage. */
type BaseTree =
  | { readonly type: 'pinned'; readonly identifier: string; readonly reference: string; readonly title?: string }
  | Extract<NamedContext, { readonly type: 'local' | 'source' }>;

/** Asks once for each image and platform, however many stages start from it. `title` is that of a named context. */
type Resolve = (base: BaseName, platform: Platform, range: SourceRange) => Promise<ResolvedImage>;

interface BaseName {
  readonly type: 'image' | 'layout';
  /** A full reference, or the name of the context that is a layout. */
  readonly name: string;
  /** The context that leads to it. */
  readonly context?: string;
}

export function createResolver({ meta, multiPlatform, signal }: ConvertRequest): Resolve {
  const pending = new Map<string, Promise<ResolvedImage>>();
  return ({ type, name, context }, platform, range) => {
    const key = `${type} ${name} ${formatPlatform(platform)}`;
    let resolved = pending.get(key);
    if (resolved === undefined) {
      const internal = multiPlatform ? `[${formatPlatform(platform)} internal]` : '[internal]';
      const logName = `${context === undefined ? internal : `[context ${context}]`} load metadata for ${name}`;
      const options = { logName, range, ...(signal === undefined ? {} : { signal }) };
      resolved =
        type === 'layout'
          ? meta.resolveLayoutConfig(name, platform, options)
          : meta.resolveImageConfig(name, platform, options);
      pending.set(key, resolved);
    }
    return resolved;
  };
}

export async function resolveBase(
  { request, named, lint, graph }: Conversion,
  stage: BuildStage,
  resolve: Resolve,
): Promise<ResolvedBase> {
  const platform = stage.platform ?? request.targetPlatform;
  if (!stage.replaced && stage.baseName === SCRATCH) return emptyBase(request.targetPlatform);
  try {
    const name = stage.replaced ? stage.name : stage.baseName;
    const reference = stage.replaced ? undefined : parseTaggedReference(name);
    const context = named.find(name, platform);
    if (context?.type === 'local') return { ...emptyBase(platform), tree: context, localContext: context.name };
    if (context?.type === 'source') return { ...emptyBase(platform), tree: context };
    const wanted = context === undefined ? reference && imageName(reference) : contextName(context);
    if (wanted === undefined) return emptyBase(platform);
    const resolved = await resolve(wanted, platform, stage.baseRange);
    checkBasePlatform(lint.at(stage.range, stage.comments), stage.baseName, platform, resolved.config, stage.baseRange);
    const hasLayers = resolved.config.rootfs.diff_ids.length > 0;
    const tree = hasLayers ? pinnedTree(wanted, resolved) : undefined;
    return { platform, image: draftFrom(resolved.config), tree, localContext: undefined };
  } catch (error) {
    throw explainBaseError(error, stage, [...graph.byName.keys(), ...named.names()]);
  }
}

/** The tree of a base, as the first step of its stage. */
export function baseState(conversion: Conversion, draft: StageDraft, base: ResolvedBase): State | undefined {
  const { tree, platform } = base;
  if (tree === undefined) return undefined;
  if (tree.type === 'local')
    return draft.localContext === undefined
      ? conversion.contexts.copy(tree.name)
      : conversion.contexts.state(tree.name);
  if (tree.type === 'source') return remoteState(tree);
  const { range } = draft.stage;
  return sourceState(
    { identifier: tree.identifier, platform, attrs: {} },
    {
      name: tree.title ?? nameStep(conversion, draft, `FROM ${tree.reference}`),
      source: { file: conversion.request.fileName, start: range.start, end: range.end },
    },
  );
}

function emptyBase(platform: Platform): ResolvedBase {
  return { platform, image: emptyImage(platform), tree: undefined, localContext: undefined };
}

function imageName(reference: Reference, context?: string): BaseName {
  return { type: 'image', name: formatReference(reference), ...(context === undefined ? {} : { context }) };
}

/** `undefined` for a context that is empty. */
function contextName(context: NamedContext): BaseName | undefined {
  if (context.type === 'layout') return { type: 'layout', name: context.name, context: context.name };
  if (context.type !== 'image' || context.reference === SCRATCH) return undefined;
  return imageName(parseTaggedReference(context.reference), context.name);
}

function pinnedTree({ type, name, context }: BaseName, { reference }: ResolvedImage): BaseTree {
  const identifier = `${type === 'layout' ? 'oci-layout' : 'docker-image'}://${reference}`;
  if (context === undefined) return { type: 'pinned', identifier, reference };
  const title = `[context ${context}] ${type === 'layout' ? 'OCI load from client' : name}`;
  return { type: 'pinned', identifier, reference, title };
}
