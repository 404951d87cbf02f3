import { suggest } from '../../suggest.ts';
import { DockerfileError, didYouMean, syntaxError } from '../errors.ts';
import type { DockerfileNode, InstructionNode } from '../parser/index.ts';
import { clip } from '../text.ts';
import { parseCopy } from './copy.ts';
import { parseFrom } from './from.ts';
import { parseHealthcheck } from './healthcheck.ts';
import { checkMount } from './mount.ts';
import { parseCommand, parseRun, parseShell } from './run.ts';
import { parseExpose, parseOnbuild, parseText, parseVolume } from './simple.ts';
import type { ArgInstruction, Instruction, Stage, StageInstruction } from './types.ts';
import { parseArg, parsePairs } from './variables.ts';

const PARSERS: Readonly<Record<string, (node: InstructionNode) => Instruction>> = {
  add: (node) => parseCopy(node, 'add'),
  arg: parseArg,
  cmd: (node) => parseCommand(node, 'cmd'),
  copy: (node) => parseCopy(node, 'copy'),
  entrypoint: (node) => parseCommand(node, 'entrypoint'),
  env: (node) => parsePairs(node, 'env'),
  expose: parseExpose,
  from: parseFrom,
  healthcheck: parseHealthcheck,
  label: (node) => parsePairs(node, 'label'),
  maintainer: (node) => parseText(node, 'maintainer'),
  onbuild: parseOnbuild,
  run: parseRun,
  shell: parseShell,
  stopsignal: (node) => parseText(node, 'stopsignal'),
  user: (node) => parseText(node, 'user'),
  volume: parseVolume,
  workdir: (node) => parseText(node, 'workdir'),
};

const MAX_SHOWN = 40;
const NEEDS_FROM = 'a stage begins with FROM; only ARG may stand before it';

export interface ParsedStages {
  readonly stages: readonly Stage[];
  /** ARG before the first FROM: the global scope. */
  readonly globalArgs: readonly ArgInstruction[];
}

/** Gives an instruction its type; throws `DOCKERFILE_SYNTAX` on what BuildKit refuses. */
export function parseInstruction(node: InstructionNode): Instruction {
  const parse = Object.hasOwn(PARSERS, node.name) ? PARSERS[node.name] : undefined;
  if (parse === undefined)
    throw syntaxError(
      `unknown instruction ${JSON.stringify(clip(node.keyword.value, MAX_SHOWN))}`,
      node.keyword.range,
      /^(?:\/\/|\{)/.test(node.name)
        ? 'a comment begins with #; files of other languages need a frontend of their own, which tsbuild does not run'
        : didYouMean(suggest(node.name, Object.keys(PARSERS))?.toUpperCase()),
    );
  return parse(node);
}

/**
 * Groups a file's instructions into stages; throws `DOCKERFILE_SYNTAX` at the first that is wrong. `visit` sees each before it is
 * looked at.
 */
export function parseStages(ast: DockerfileNode, visit?: (node: InstructionNode) => void): ParsedStages {
  const globalArgs: ArgInstruction[] = [];
  const stages: { from: Stage['from']; instructions: StageInstruction[] }[] = [];
  for (const node of ast.instructions) {
    visit?.(node);
    const instruction = parseInstruction(node);
    const stage = stages.at(-1);
    if (instruction.kind === 'from') stages.push({ from: instruction, instructions: [] });
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === 'arg') globalArgs.push(instruction);
    else throw outsideStage(node);
  }
  return { stages, globalArgs };
}

/**
 * All that is wrong with a file's instructions, in file order; values with variables are not looked at. Where the parser has
 * given up on some line the FROM that seems to be missing may be in it, so that is not told then (`isWhole` is false).
 */
export function checkInstructions(ast: DockerfileNode, isWhole: boolean): DockerfileError[] {
  const errors: DockerfileError[] = [];
  let inStage = !isWhole;
  for (const node of ast.instructions) {
    try {
      // A FROM that is wrong still begins a stage: what follows is not to be blamed for it.
      inStage ||= node.name === 'from';
      const instruction = parseInstruction(node);
      if (instruction.kind === 'run') for (const mount of instruction.mounts) checkMount(mount);
      if (!inStage && instruction.kind !== 'arg') throw outsideStage(node);
    } catch (error) {
      if (!(error instanceof DockerfileError)) throw error;
      errors.push(error.locate({ range: node.range }));
    }
  }
  if (!inStage && errors.length === 0) errors.push(syntaxError('the file has no stage', ast.range, NEEDS_FROM));
  return errors;
}

function outsideStage(node: InstructionNode): DockerfileError {
  return syntaxError(`${node.name.toUpperCase()} before the first FROM`, node.keyword.range, NEEDS_FROM);
}
