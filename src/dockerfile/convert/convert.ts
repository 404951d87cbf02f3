import { marshal } from '../../llb/index.ts';
import { normalizePlatform, type Platform } from '../../oci/index.ts';
import { DockerfileError, throwFirstError } from '../errors.ts';
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
import { findFrontend, parseDockerfile } from '../parser/index.ts';
import {
  addReachable,
  addTriggers,
  type BuildStage,
  checkCycles,
  findReachable,
  resolveStages,
  type StageCommand,
  sortStages,
} from '../stages/index.ts';
import { createResolver, type ResolvedBase, resolveBase } from './bases.ts';
import { checkSteps } from './check-steps.ts';
import { ContextReads } from './context-reads.ts';
import type { Conversion, StageDraft } from './draft.ts';
import { finishConfig } from './image/image.ts';
import { NamedContexts } from './named-contexts.ts';
import { convertInstruction, startStage } from './stage.ts';
import type { ConvertedImage, ConvertRequest, ConvertResult } from './types.ts';

/** The language that is read: BuildKit's docker/dockerfile of this version. */
const OWN_FRONTEND = 'the built-in frontend of Dockerfile 1.26';

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
  throwFirstError(diagnostics);
  const lint = createLinter(readCheckOptions(ast.directives, request.buildArgs), request.onWarning);
  for (const { severity, range } of diagnostics) if (severity === 'warning') checkContinuation(lint, ast, range);
  const frontend = findFrontend(request.source, ast.directives, request.buildArgs);
  checkSyntax(lint, frontend);
  if (frontend !== undefined)
    request.onNote?.(
      `${frontend.asker} asks for ${frontend.image}: ${OWN_FRONTEND} serves it, no image is pulled for it`,
    );
  const parsed = parseStages(ast, (node) => checkNode(lint, node));
  checkStages(lint, parsed.stages);
  const named = new NamedContexts(request.namedContexts);
  const graph = resolveStages(parsed, ast.escape, {
    lint,
    buildArgs: request.buildArgs,
    ...(request.target === undefined ? {} : { target: request.target }),
    ...(request.sourceDateEpoch === undefined ? {} : { sourceDateEpoch: request.sourceDateEpoch }),
    targetPlatform: request.targetPlatform,
    buildPlatform: request.buildPlatform,
    findContext: (name, platform) => named.find(name, platform),
  });
  const conversion: Conversion = {
    request,
    graph,
    contexts: new ContextReads(request),
    named,
    drafts: new Map(),
    lint,
    explainIgnored: request.ignoreFile && createIgnoreExplainer(request.ignoreFile),
  };
  // Before anything outside the file is looked at: these need no base image.
  checkSteps(conversion, findNeeded(conversion));
  const bases = await resolveBases(conversion);
  const needed = findNeeded(conversion);
  // What only --from names stands after the stages of the file, and can be read by all of them.
  const order = [...graph.stages.filter(isNamedByFrom), ...graph.stages.filter((stage) => !isNamedByFrom(stage))];
  for (const stage of sortStages(order)) {
    if (!needed.has(stage)) continue;
    request.signal?.throwIfAborted();
    conversion.drafts.set(stage, convertStage(conversion, stage, bases));
  }
  const ofTriggers = graph.stages.flatMap(({ commands }) => commands.flatMap(listTriggerArgs));
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
 * Resolves the bases that the target needs, all at once. ONBUILD triggers in them may read further stages: then those, until
 * nothing new is needed.
 */
async function resolveBases(conversion: Conversion): Promise<ReadonlyMap<BuildStage, ResolvedBase>> {
  const { graph, request } = conversion;
  const resolve = createResolver(request);
  const bases = new Map<BuildStage, ResolvedBase>();
  const known = new Set(findNeeded(conversion));
  let triggersRead = false;
  for (let wave = [...known]; wave.length > 0; wave = addReachable(known, wave)) {
    request.signal?.throwIfAborted();
    const missing = wave.filter((stage) => stage.base === undefined);
    const found = await Promise.all(missing.map((stage) => resolveBase(conversion, stage, resolve)));
    for (const [index, stage] of missing.entries()) {
      const base = found[index];
      if (base !== undefined) bases.set(stage, base);
    }
    for (const stage of wave)
      if (!stage.replaced && addTriggers(graph, stage, listTriggers(stage, bases))) triggersRead = true;
  }
  if (triggersRead) checkCycles(graph.stages);
  return bases;
}

/** Of commands that many stages may start from. */
const onbuilds = new WeakMap<readonly StageCommand[], readonly string[]>();

function listOnbuild(commands: readonly StageCommand[]): readonly string[] {
  const known = onbuilds.get(commands);
  if (known !== undefined) return known;
  const found = commands.flatMap(({ instruction }) => (instruction.kind === 'onbuild' ? [instruction.expression] : []));
  onbuilds.set(commands, found);
  return found;
}

/** The ONBUILD instructions of what a stage starts from, in order. */
function listTriggers(stage: BuildStage, bases: ReadonlyMap<BuildStage, ResolvedBase>): readonly string[] {
  if (stage.index === undefined) return [];
  if (stage.base === undefined) {
    return bases.get(stage)?.image.baseConfig?.config?.OnBuild ?? [];
  }
  return listOnbuild(stage.base.commands);
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
  const platform = choosePlatform(target, request);
  return {
    definition: marshal(target.state),
    listDefinitions: () => [...drafts.values()].map(({ state }) => marshal(state)),
    image: finishImage(target, request, platform),
    platform,
    stageNames: graph.stages
      .filter((stage) => stage.index !== undefined)
      .map((stage) => stage.name || String(stage.index)),
    contexts: contexts.list(),
  };
}

/** An image is for the platform that was asked for, whatever its base says of itself; for that of its base where none was. */
function choosePlatform({ image }: StageDraft, request: ConvertRequest): Platform {
  const asked = normalizePlatform(request.targetPlatform);
  const ofBase = normalizePlatform({
    os: image.os || asked.os,
    architecture: image.architecture || asked.architecture,
    ...(image.variant === undefined ? {} : { variant: image.variant }),
    ...(image.osVersion === undefined ? {} : { 'os.version': image.osVersion }),
  });
  if (request.platformFromBase) return ofBase;
  const isSame = asked.os === ofBase.os && asked.architecture === ofBase.architecture;
  return isSame ? { ...ofBase, ...asked } : asked;
}

function finishImage({ image }: StageDraft, request: ConvertRequest, platform: Platform): ConvertedImage {
  return {
    ...platform,
    ...(image.author === undefined ? {} : { author: image.author }),
    config: finishConfig(image, request.labels ?? {}),
    history: [...image.history],
    ...(image.baseConfig === undefined ? {} : { baseConfig: image.baseConfig }),
  };
}

/** ARG in an ONBUILD trigger, which the file may not show. */
function listTriggerArgs({ instruction, isTrigger }: StageCommand): readonly string[] {
  return isTrigger && instruction.kind === 'arg' ? instruction.args.map(({ name }) => name) : [];
}

function isNamedByFrom(stage: BuildStage): boolean {
  return stage.index === undefined;
}
