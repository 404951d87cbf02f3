import type { Stage } from '../../instructions/index.ts';
import type { InstructionNode } from '../../parser/index.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const StageNameCasing: Rule = {
  name: 'StageNameCasing',
  description: 'Names of stages are in lower case',
  url: docsUrl('stage-name-casing'),
};

export const FromAsCasing: Rule = {
  name: 'FromAsCasing',
  description: 'AS is in the same case as its FROM',
  url: docsUrl('from-as-casing'),
};

export const ConsistentInstructionCasing: Rule = {
  name: 'ConsistentInstructionCasing',
  description: 'All instructions of a file are in the same case, upper or lower',
  url: docsUrl('consistent-instruction-casing'),
};

/** A FROM line: its stage name, and its AS. */
export function checkFromCasing(lint: Linter, node: InstructionNode): void {
  const [, as, name] = node.args;
  if (as === undefined || name === undefined) return;
  if (node.args.length === 3 && name.value !== name.value.toLowerCase())
    lint.warn(StageNameCasing, `the stage name ${JSON.stringify(name.value)} is not in lower case`, name.range);
  const from = node.keyword.value;
  // A keyword of mixed case is another rule's matter.
  if (isLower(from) ? isLower(as.value) : !isUpper(from) || isUpper(as.value)) return;
  lint.warn(FromAsCasing, `${as.value} is not in the case of ${from}`, as.range);
}

/** All that differ from the majority; upper case wins where both are as many. */
export function checkInstructionCasing(lint: Linter, stages: readonly Stage[]): void {
  const nodes = stages.flatMap(({ from, instructions }) => [from.node, ...instructions.map(({ node }) => node)]);
  let lower = 0;
  let upper = 0;
  for (const { keyword } of nodes) {
    if (isLower(keyword.value)) lower++;
    else if (isUpper(keyword.value)) upper++;
  }
  const [matches, wanted] = lower > upper ? [isLower, 'lower'] : [isUpper, 'upper'];
  for (const node of nodes) {
    const { keyword } = node;
    if (matches(keyword.value)) continue;
    const message = `${keyword.value} is not in ${wanted} case, as most instructions of this file are`;
    lint.at(node.range, node.comments).warn(ConsistentInstructionCasing, message, keyword.range);
  }
}

function isLower(word: string): boolean {
  return word === word.toLowerCase();
}

function isUpper(word: string): boolean {
  return word === word.toUpperCase();
}
