import type { Stage } from '../../instructions/index.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const DuplicateStageName: Rule = {
  name: 'DuplicateStageName',
  description: 'No two stages have the same name',
  url: docsUrl('duplicate-stage-name'),
};

export const ReservedStageName: Rule = {
  name: 'ReservedStageName',
  description: 'No stage is called scratch or context',
  url: docsUrl('reserved-stage-name'),
};

const RESERVED = new Set(['context', 'scratch']);

export function checkStageNames(file: Linter, stages: readonly Stage[]): void {
  const firstLines = new Map<string, number>();
  for (const { from } of stages) {
    const { stageName: name, node } = from;
    if (name === undefined) continue;
    const lint = file.at(from.node.range, node.comments);
    const token = node.args[2]?.range;
    if (RESERVED.has(name)) lint.warn(ReservedStageName, `${JSON.stringify(name)} has a meaning of its own`, token);
    const first = firstLines.get(name);
    if (first !== undefined)
      lint.warn(DuplicateStageName, `the stage of line ${first} is called ${JSON.stringify(name)} too`, token);
    else firstLines.set(name, from.node.range.start.line);
  }
}
