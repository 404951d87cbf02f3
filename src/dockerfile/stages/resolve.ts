import { errorMessage } from '../../errors.ts';
import { type Platform, parsePlatform } from '../../oci/index.ts';
import { suggest } from '../../suggest.ts';
import { didYouMean, stageError, syntaxError } from '../errors.ts';
import type { FromInstruction, ParsedStages, Stage } from '../instructions/index.ts';
import { checkFromArgs, checkPlatformFlag, type Linter } from '../lint/index.ts';
import { trimSpace } from '../text.ts';
import { linkCommand } from './commands.ts';
import { linkContextBases } from './context-stages.ts';
import { checkDefaults } from './default-bases.ts';
import { expandAt, resolveGlobalArgs, SCRATCH } from './global-args.ts';
import { checkCycles } from './graph.ts';
import { checkImageNames, checkStageName } from './references.ts';
import type { BuildStage, StageGraph, StageOptions } from './types.ts';

/**
 * Links the stages of a file: replaces variables in FROM, finds what each stage starts from and reads, and the target.
 * Throws `DOCKERFILE_SYNTAX` or `DOCKERFILE_STAGE`.
 */
export function resolveStages(
  parsed: ParsedStages,
  escapeChar: StageGraph['escape'],
  options: StageOptions,
): StageGraph {
  const last = parsed.stages.at(-1);
  if (last === undefined)
    throw stageError('the Dockerfile has no stage to build', undefined, 'a stage begins with FROM');
  const targetName = options.target || last.from.stageName || 'default';
  checkDefaults(parsed, options, targetName, escapeChar);
  const globalArgs = resolveGlobalArgs(parsed.globalArgs, options, targetName, escapeChar);
  const declared = new Set(globalArgs.keys());
  for (const { args } of parsed.globalArgs) for (const { name } of args) declared.add(name);
  const scope: FromScope = { args: globalArgs, declared, escapeChar, lint: options.lint };
  const stages: BuildStage[] = [];
  const byName = new Map<string, BuildStage>();
  const images = new Map<string, BuildStage>();
  for (const [index, stage] of parsed.stages.entries()) {
    const built = createStage(stage, index, byName, scope, options);
    stages.push(built);
    if (built.name !== '') byName.set(built.name, built);
  }
  const { findContext, targetPlatform } = options;
  const registry = { stages, byName, images, escape: escapeChar, findContext, targetPlatform };
  linkContextBases(registry, stages);
  const target = findTarget(stages, byName, options.target);
  for (const [index, stage] of parsed.stages.entries()) {
    const built = stages[index];
    if (built === undefined || built.replaced) continue;
    built.commands = stage.instructions.map((instruction) => linkCommand(registry, built, instruction, false));
  }
  checkImageNames(stages, byName.keys());
  checkCycles(stages);
  const [only] = stages;
  if (only !== undefined && stages.length === 1) only.displayName = '';
  return { ...registry, target, globalArgs };
}

/** What the words of FROM are expanded with, and who is told of what is odd about them. */
interface FromScope {
  readonly args: ReadonlyMap<string, string>;
  /** Also those without a value. */
  readonly declared: ReadonlySet<string>;
  readonly escapeChar: string;
  readonly lint: Linter | undefined;
}

function createStage(
  stage: Stage,
  index: number,
  byName: ReadonlyMap<string, BuildStage>,
  file: FromScope,
  options: StageOptions,
): BuildStage {
  const { from } = stage;
  const name = from.stageName ?? '';
  const scope = { ...file, lint: file.lint?.at(from.node.range, from.node.comments) };
  checkStageName(from);
  const baseName = expandBase(from, scope);
  const platform = expandPlatform(from, scope);
  const replaced = name !== '' && options.findContext?.(name, platform ?? options.targetPlatform) !== undefined;
  const base = replaced ? undefined : byName.get(baseName.toLowerCase());
  return {
    index,
    name,
    displayName: name === '' ? `stage-${index}` : name,
    baseName,
    base,
    platform,
    source: trimSpace(from.node.original),
    range: from.node.range,
    comments: from.node.comments,
    baseRange: from.base.range,
    replaced,
    commands: [],
    stepCount: replaced ? 0 : countSteps(stage) + (baseName !== SCRATCH && base === undefined ? 1 : 0),
    dependencies: new Map(),
  };
}

function countSteps(stage: Stage): number {
  return stage.instructions.filter(
    ({ kind }) => kind === 'run' || kind === 'copy' || kind === 'add' || kind === 'workdir',
  ).length;
}

function expandBase(from: FromInstruction, { args, declared, escapeChar, lint }: FromScope): string {
  const { value, range } = from.base;
  const { result, unmatched } = expandAt(value, args, range, escapeChar);
  if (lint !== undefined) checkFromArgs(lint, unmatched, declared, range);
  if (result !== '') return result;
  const hint =
    'give its arguments values: --build-arg NAME=value, or a default in ARG NAME=value before the first FROM';
  throw syntaxError(`the base name ${value} is empty`, range, suggestAny(unmatched, args.keys()) ?? hint);
}

function expandPlatform(from: FromInstruction, { args, declared, escapeChar, lint }: FromScope): Platform | undefined {
  if (from.platform === undefined || from.platform.value === '') return undefined;
  const { value, range } = from.platform;
  const expansion = expandAt(value, args, range, escapeChar);
  const { result, unmatched } = expansion;
  if (lint !== undefined) {
    checkFromArgs(lint, unmatched, declared, range);
    checkPlatformFlag(lint, value, expansion, args.get('TARGETPLATFORM'), from.stageName ?? '', range);
  }
  const hint = suggestAny(unmatched, args.keys());
  if (result === '') throw syntaxError(`the platform ${value} is empty`, range, hint);
  try {
    return parsePlatform(result);
  } catch (error) {
    throw syntaxError(errorMessage(error), range, hint);
  }
}

/** The first near miss among names that are not set. */
function suggestAny(names: Iterable<string>, known: Iterable<string>): string | undefined {
  const options = [...known];
  for (const name of names) {
    const found = suggest(name, options);
    if (found !== undefined) return didYouMean(found);
  }
  return undefined;
}

function findTarget(
  stages: readonly BuildStage[],
  byName: ReadonlyMap<string, BuildStage>,
  wanted: string | undefined,
): BuildStage {
  const last = stages.at(-1);
  const found = !wanted
    ? last
    : (byName.get(wanted.toLowerCase()) ?? (/^\d+$/.test(wanted) ? stages[Number(wanted)] : undefined));
  if (found !== undefined) return found;
  const near = suggest(wanted ?? '', byName.keys());
  const names = [...byName.keys()].join(', ');
  throw stageError(
    `the target stage ${JSON.stringify(wanted)} could not be found`,
    undefined,
    didYouMean(near) ?? (names === '' ? 'no stage of this file has a name' : `the stages are ${names}`),
  );
}
