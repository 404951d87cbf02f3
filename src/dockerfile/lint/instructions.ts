import type { Stage } from '../instructions/index.ts';
import type { InstructionNode } from '../parser/index.ts';
import type { Linter } from './linter.ts';
import { checkFromCasing, checkInstructionCasing } from './rules/casing.ts';
import { checkDescription } from './rules/description.ts';
import { checkMaintainer } from './rules/maintainer.ts';
import { checkStageNames } from './rules/stage-names.ts';

/** The checks that need one instruction and nothing else; in BuildKit they come before its errors. */
export function checkNode(file: Linter, node: InstructionNode): void {
  const lint = file.at(node.range, node.comments);
  if (node.name === 'from') checkFromCasing(lint, node);
  if (node.name === 'maintainer') checkMaintainer(lint, node);
  if (node.name === 'from' || node.name === 'arg') checkDescription(lint, node);
}

/** The checks that compare the instructions of a file. */
export function checkStages(file: Linter, stages: readonly Stage[]): void {
  checkStageNames(file, stages);
  checkInstructionCasing(file, stages);
}
