import type { AnnotationSpec, BuildRequest, BuildResult, OutputSpec } from '../build-types.ts';
import type { ConvertResult } from '../dockerfile/convert/types.ts';
import { errorCode } from '../errors.ts';
import { exportResult } from '../exporter/index.ts';
import type { TreeResult } from '../llb/results.ts';
import { native } from '../native/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import type { Workspace } from '../workspace.ts';
import { pullsOffline, pushNeedsName } from './errors.ts';
import type { CacheExchange } from './exchange.ts';
import { runPhase } from './phases.ts';

/** What a build is to make of its tree. */
export interface ExportPlan {
  readonly outputs: readonly OutputSpec[];
  readonly annotations: readonly AnnotationSpec[];
  readonly squash: boolean;
  /** In seconds: no time in the image's config is later, so that equal inputs give equal images whenever they are built. */
  readonly sourceDateEpoch?: number;
}

/** Looked at before any work is done, so that a mistake in it costs no build. Throws `PUSH_NEEDS_NAME`, `OFFLINE`. */
export function planExport(request: BuildRequest, sourceDateEpoch?: number): ExportPlan {
  const { annotations = [], squash = false, offline = false, pull } = request;
  if (offline && (pull === true || pull === 'always')) throw pullsOffline();
  return {
    outputs: outputsOf(request),
    annotations,
    squash,
    ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }),
  };
}

/** An image in the store when nothing else was asked for. */
function outputsOf(request: BuildRequest): readonly OutputSpec[] {
  const outputs = [...(request.outputs ?? [])];
  if (request.push) {
    const image = outputs.findIndex((output) => output.type === 'image');
    if (image >= 0) outputs[image] = { ...outputs[image], type: 'image', push: true };
    else outputs.push({ type: 'image', push: true });
  }
  if (outputs.length === 0) outputs.push({ type: 'image' });
  const pushesNameless = outputs.some((output) => output.type === 'image' && output.push && output.name === undefined);
  if (pushesNameless && (request.tags ?? []).length === 0) throw pushNeedsName();
  return outputs;
}

export interface ExportInput {
  readonly workspace: Workspace;
  readonly converted: ConvertResult;
  readonly tree: TreeResult;
  readonly names: readonly string[];
  readonly plan: ExportPlan;
  readonly exchange?: Pick<CacheExchange, 'inlineCache'> | undefined;
  readonly sink: ProgressSink;
  readonly signal: AbortSignal;
}

/** Makes of the built tree what was asked for. */
export async function exportBuilt(input: ExportInput): Promise<Pick<BuildResult, 'imageID' | 'descriptor' | 'names'>> {
  const { workspace, converted, tree, plan, exchange, sink, signal } = input;
  const { outputs, ...options } = plan;
  const { image, platform } = converted;
  const built = {
    tree,
    platform,
    config: image.config,
    history: image.history,
    ...(image.baseConfig === undefined ? {} : { baseConfig: image.baseConfig }),
    ...(image.author === undefined ? {} : { author: image.author }),
  };
  const name = `exporting to ${outputs.map((output) => output.type).join(', ')}`;
  const outcome = await runPhase(sink, name, (reporter) =>
    exportResult(built, outputs, {
      ...workspace,
      ...options,
      native,
      names: input.names,
      inlineCache: async (diffIDs) => exchange?.inlineCache(converted.definition, diffIDs),
      onTask: (...task) => reporter.task(...task),
      signal,
    }).catch((error: unknown) => {
      // No failure of the export: the steps whose layers are lost run, and it is done again.
      if (errorCode(error) === 'CACHE_LAYER_LOST') return { lost: error };
      throw error;
    }),
  );
  if ('lost' in outcome) throw outcome.lost;
  const { imageID, descriptor, names } = outcome;
  return {
    names,
    ...(imageID === undefined ? {} : { imageID }),
    ...(descriptor === undefined ? {} : { descriptor }),
  };
}
