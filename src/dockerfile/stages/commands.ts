import { errorMessage } from '../../errors.ts';
import { stageError, syntaxError } from '../errors.ts';
import { findMountFrom, parseInstruction, type StageInstruction } from '../instructions/index.ts';
import { parseDockerfile } from '../parser/index.ts';
import { type ContextScope, findContextStage } from './context-stages.ts';
import { expandAt, SCRATCH } from './global-args.ts';
import type { BuildStage, StageCommand, StageGraph } from './types.ts';

type Registry = Pick<StageGraph, 'stages' | 'byName' | 'images' | 'escape'> & ContextScope;

/** Finds what an instruction reads from, and records it as a dependency of its stage. */
export function linkCommand(
  registry: Registry,
  stage: BuildStage,
  instruction: StageInstruction,
  trigger: boolean,
): StageCommand {
  const range = trigger ? stage.range : instruction.node.range;
  const sources = findSources(registry, instruction, trigger ? stage : undefined);
  for (const source of sources) {
    if (source !== undefined && !stage.dependencies.has(source)) stage.dependencies.set(source, range);
  }
  return { instruction, sources, isTrigger: trigger, range };
}

/**
 * Puts the ONBUILD triggers of a stage's base in front of its steps. Tells whether they read other stages, which then
 * must be resolved too.
 */
export function addTriggers(graph: StageGraph, stage: BuildStage, triggers: readonly string[]): boolean {
  const commands = triggers.map((trigger) => linkCommand(graph, stage, parseTrigger(trigger, stage), true));
  stage.commands = [...commands, ...stage.commands];
  stage.stepCount += commands.length;
  return commands.some((command) => command.sources.some((source) => source !== undefined));
}

/** Triggers are kept as text and read again where they run, at the place of the FROM that brings them in. */
function parseTrigger(trigger: string, stage: BuildStage): StageInstruction {
  const { ast, diagnostics } = parseDockerfile(trigger);
  const error = diagnostics.find((diagnostic) => diagnostic.severity === 'error');
  const fail = (why: string): Error =>
    syntaxError(`ONBUILD trigger ${JSON.stringify(trigger)} of ${stage.baseName}: ${why}`, stage.range);
  if (error !== undefined) throw fail(error.message);
  const [node] = ast.instructions;
  if (node === undefined || ast.instructions.length !== 1) throw fail('expected one instruction');
  try {
    const instruction = parseInstruction(node);
    if (instruction.kind !== 'from') return instruction;
  } catch (cause) {
    throw fail(errorMessage(cause));
  }
  throw fail('FROM is not allowed');
}

function findSources(
  registry: Registry,
  instruction: StageInstruction,
  triggerOf: BuildStage | undefined,
): readonly (BuildStage | undefined)[] {
  if (instruction.kind === 'copy' && instruction.from !== undefined) {
    const { value } = instruction.from;
    const place = triggerOf?.range ?? instruction.from.range;
    if (expandAt(value, {}, place, registry.escape).result !== value)
      throw syntaxError(
        'variables are not supported in --from',
        place,
        'define a stage FROM the variable before the first stage and copy from that stage',
      );
    return [/^[+-]?\d+$/.test(value) ? findByIndex(registry, value, place) : findOrImage(registry, value, place)];
  }
  if (instruction.kind !== 'run') return [];
  // As in BuildKit a mount without a source still names one, `scratch`; vertex names then tell the stage.
  return instruction.mounts.map((mount) =>
    findOrImage(registry, findMountFrom(mount) ?? SCRATCH, triggerOf?.range ?? mount.range),
  );
}

function findByIndex(registry: Registry, text: string, range: BuildStage['range']): BuildStage {
  const stage = registry.stages[Number(text)];
  if (stage?.index === undefined) throw stageError(`--from=${text}: there is no stage ${text}`, range);
  return stage;
}

function findOrImage(registry: Registry, name: string, range: BuildStage['range']): BuildStage {
  const known = registry.byName.get(name.toLowerCase()) ?? registry.images.get(name);
  if (known !== undefined) return known;
  const image = createImageStage(name, range);
  image.base = findContextStage(registry, name, undefined, range);
  registry.images.set(name, image);
  registry.stages.push(image);
  return image;
}

function createImageStage(baseName: string, range: BuildStage['range']): BuildStage {
  return {
    index: undefined,
    name: '',
    displayName: '',
    baseName,
    base: undefined,
    platform: undefined,
    source: '',
    range,
    comments: [],
    baseRange: range,
    replaced: false,
    commands: [],
    stepCount: 0,
    dependencies: new Map(),
  };
}
