import { suggest } from '../../suggest.ts';
import { didYouMean, syntaxError } from '../errors.ts';
import type { DockerfileNode, InstructionNode } from '../parser/index.ts';
import { parseCopy } from './copy.ts';
import { parseFrom } from './from.ts';
import { parseHealthcheck } from './healthcheck.ts';
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
      `unknown instruction ${JSON.stringify(clip(node.keyword.value))}`,
      node.keyword.range,
      didYouMean(suggest(node.name, Object.keys(PARSERS))?.toUpperCase()),
    );
  return parse(node);
}

/** Groups a file's instructions into stages; throws `DOCKERFILE_SYNTAX` at the first that is wrong. */
export function parseStages(ast: DockerfileNode): ParsedStages {
  const globalArgs: ArgInstruction[] = [];
  const stages: { from: Stage['from']; instructions: StageInstruction[] }[] = [];
  for (const node of ast.instructions) {
    const instruction = parseInstruction(node);
    const stage = stages.at(-1);
    if (instruction.kind === 'from') stages.push({ from: instruction, instructions: [] });
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === 'arg') globalArgs.push(instruction);
    else
      throw syntaxError(
        `${node.name.toUpperCase()} before the first FROM`,
        node.keyword.range,
        'a stage begins with FROM; only ARG may stand before it',
      );
  }
  return { stages, globalArgs };
}

/** A file that is no Dockerfile may be one line of a megabyte. */
function clip(word: string): string {
  return word.length > MAX_SHOWN ? `${word.slice(0, MAX_SHOWN)}…` : word;
}
