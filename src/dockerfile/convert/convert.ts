import { marshal } from '../../llb/index.ts';
import { normalizePlatform } from '../../oci/index.ts';
import { DockerfileError } from '../errors.ts';
import { parseStages } from '../instructions/index.ts';
import {
  checkBuildArgs,
  checkCacheFilters,
  checkContinuation,
  checkNode,
  checkStages,
  checkSyntax,
  createIgnoreExplainer,
  createLinter,
  readCheckOptions,
} from '../lint/index.ts';
import { parseDockerfile } from '../parser/index.ts';
import { addTriggers, type BuildStage, checkCycles, findReachable, resolveStages } from '../stages/index.ts';
import { createResolver, type ResolvedBase, resolveBase } from './bases.ts';
import { ContextReads } from './context-reads.ts';
import type { Conversion, StageDraft } from './draft.ts';
import { finishConfig } from './image.ts';
import { convertInstruction, startStage } from './stage.ts';
import type { ConvertedImage, ConvertRequest, ConvertResult } from './types.ts';

/**
 * Converts a Dockerfile to the graph that builds its target stage, and to the config of its image. Stages that the
 * target does not need are not looked at beyond their syntax. Throws `DockerfileError` with the place and its frame.
 */
export async function dockerfileToLLB(request: ConvertRequest): Promise<ConvertResult> {
  try {
    return await convert(request);
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    throw error.locate({ file: request.fileName, source: request.source });
  }
}

async function convert(request: ConvertRequest): Promise<ConvertResult> {
  const { ast, diagnostics } = parseDockerfile(request.source);
  for (const { severity, code, message, range, hint } of diagnostics) {
    if (severity === 'error') throw new DockerfileError(code, message, { range, ...(hint ? { hint } : {}) });
  }
  const lint = createLinter(readCheckOptions(ast.directives, request.buildArgs), request.onWarning);
  for (const { severity, range } of diagnostics) if (severity === 'warning') checkContinuation(lint, ast, range);
  checkSyntax(lint, ast);
  const parsed = parseStages(ast, (node) => checkNode(lint, node));
  checkStages(lint, parsed.stages);
  const graph = resolveStages(parsed, ast.escape, {
    lint,
    buildArgs: request.buildArgs,
    ...(request.target === undefined ? {} : { target: request.target }),
    targetPlatform: request.targetPlatform,
    buildPlatform: request.buildPlatform,
    ...(request.namedContexts === undefined ? {} : { contextNames: new Set(request.namedContexts.keys()) }),
  });
  const conversion: Conversion = {
    request,
    graph,
    contexts: new ContextReads(),
    drafts: new Map(),
    lint,
    explainIgnored: request.ignoreFile && createIgnoreExplainer(request.ignoreFile),
  };
  const bases = await resolveBases(conversion);
  const needed = findNeeded(conversion);
  // What only --from names stands after the stages of the file, and can be read by all of them.
  const order = [...graph.stages.filter(isNamedByFrom), ...graph.stages.filter((stage) => !isNamedByFrom(stage))];
  for (const stage of order) {
    if (!needed.has(stage)) continue;
    request.signal?.throwIfAborted();
    conversion.drafts.set(stage, convertStage(conversion, stage, bases));
  }
  const ofTriggers = [...conversion.drafts.values()].flatMap(({ buildArgs }) => buildArgs.map(({ name }) => name));
  checkBuildArgs(lint, Object.keys(request.buildArgs), ast, ofTriggers);
  checkCacheFilters(lint, request.noCacheFilter ?? [], graph.byName);
  const failure = lint.failure();
  if (failure !== undefined) throw failure;
  return finish(conversion);
}

/** The stages that are converted. */
function findNeeded({ graph, request }: Conversion): ReadonlySet<BuildStage> {
  return request.allStages ? new Set(graph.stages) : findReachable(graph.target);
}

/**
 * Resolves the bases that the target needs, all at once. ONBUILD triggers in them may read further stages: then again,
 * until nothing new is needed.
 */
async function resolveBases(conversion: Conversion): Promise<ReadonlyMap<BuildStage, ResolvedBase>> {
  const { graph, request, lint } = conversion;
  const resolve = createResolver(request);
  const bases = new Map<BuildStage, ResolvedBase>();
  const triggered = new Set<BuildStage>();
  for (let again = true; again; ) {
    request.signal?.throwIfAborted();
    const missing = [...findNeeded(conversion)].filter((stage) => stage.base === undefined && !bases.has(stage));
    const found = await Promise.all(
      missing.map((stage) => resolveBase(request, lint, stage, resolve, graph.byName.keys())),
    );
    for (const [index, stage] of missing.entries()) {
      const base = found[index];
      if (base !== undefined) bases.set(stage, base);
    }
    again = false;
    for (const stage of findNeeded(conversion)) {
      if (triggered.has(stage) || stage.replaced) continue;
      triggered.add(stage);
      if (addTriggers(graph, stage, listTriggers(stage, bases))) again = true;
    }
    if (again) checkCycles(graph.stages);
  }
  return bases;
}

/** The ONBUILD instructions of what a stage starts from, in order. */
function listTriggers(stage: BuildStage, bases: ReadonlyMap<BuildStage, ResolvedBase>): readonly string[] {
  if (stage.index === undefined) return [];
  if (stage.base === undefined) {
    const config = bases.get(stage)?.image.config;
    const triggers = config?.OnBuild ?? [];
    // They run here, and only here: the image that comes out does not have them again.
    if (config !== undefined) delete config.OnBuild;
    return triggers;
  }
  return stage.base.commands.flatMap(({ instruction }) =>
    instruction.kind === 'onbuild' ? [instruction.expression] : [],
  );
}

function convertStage(
  conversion: Conversion,
  stage: BuildStage,
  bases: ReadonlyMap<BuildStage, ResolvedBase>,
): StageDraft {
  const base = stage.base === undefined ? bases.get(stage) : conversion.drafts.get(stage.base);
  if (base === undefined)
    throw new DockerfileError('DOCKERFILE_STAGE', 'the base is not built', { range: stage.range });
  const draft = startStage(conversion, stage, base);
  for (const command of stage.commands) {
    const { comments } = command.instruction.node;
    const lint = conversion.lint.at(command.range, command.isTrigger ? [] : comments);
    try {
      convertInstruction({ ...conversion, lint }, draft, command);
    } catch (error) {
      throw error instanceof DockerfileError ? error.locate({ range: command.range }) : error;
    }
  }
  return draft;
}

function finish(conversion: Conversion): ConvertResult {
  const { request, graph, contexts, drafts } = conversion;
  const target = drafts.get(graph.target);
  if (target === undefined) throw new DockerfileError('DOCKERFILE_STAGE', 'the target stage was not built');
  return {
    definition: marshal(target.state),
    image: finishImage(target, request),
    platform: normalizePlatform(request.targetPlatform),
    stageNames: graph.stages
      .filter((stage) => stage.index !== undefined)
      .map((stage) => stage.name || String(stage.index)),
    contexts: contexts.list(),
  };
}

/** The image is for the platform that was asked for, whatever its base says of itself. */
function finishImage({ image }: StageDraft, request: ConvertRequest): ConvertedImage {
  const platform = normalizePlatform(request.targetPlatform);
  const same = platform.os === image.os && platform.architecture === image.architecture;
  const variant = platform.variant ?? (same ? image.variant : undefined);
  const osVersion = platform['os.version'] ?? (same ? image.osVersion : undefined);
  const labels = { ...image.config.Labels, ...request.labels };
  if (Object.keys(labels).length > 0) image.config.Labels = labels;
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { 'os.version': osVersion }),
    ...(image.author === undefined ? {} : { author: image.author }),
    config: finishConfig(image),
    history: image.history,
    ...(image.baseConfig === undefined ? {} : { baseConfig: image.baseConfig }),
  };
}

function isNamedByFrom(stage: BuildStage): boolean {
  return stage.index === undefined;
}
