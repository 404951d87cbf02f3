import { didYouMean } from '../../errors.ts';
import type { DockerfileNode, InstructionNode } from '../../parser/index.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';

export const UnusedBuildArg: Rule = {
  name: 'UnusedBuildArg',
  description: 'Every --build-arg is taken by an ARG',
  own: true,
};

/** Arguments that BuildKit and docker's client give of themselves, or that every build takes without an ARG. */
const UNDECLARED =
  /^(?:BUILDKIT_|SOURCE_DATE_EPOCH$|TARGET|BUILD(?:PLATFORM|OS|ARCH|VARIANT)$|(?:https?|ftp|no|all)_proxy$)/i;

/** A `--build-arg` that no ARG of the file or of an ONBUILD trigger takes: most often a misspelled name. */
export function checkBuildArgs(
  lint: Linter,
  given: Iterable<string>,
  ast: DockerfileNode,
  ofTriggers: Iterable<string>,
): void {
  const declared = new Set([...ast.instructions.flatMap(listArgNames), ...ofTriggers]);
  for (const name of given) {
    if (declared.has(name) || UNDECLARED.test(name)) continue;
    const near = didYouMean(lint.suggest(name, declared));
    lint.warn(UnusedBuildArg, `no ARG takes the build argument ${name}${near === undefined ? '' : ` (${near})`}`);
  }
}

function listArgNames(node: InstructionNode): readonly string[] {
  if (node.name === 'arg') return node.args.map(({ value }) => value.split('=', 1)[0] ?? '');
  return node.trigger === undefined ? [] : listArgNames(node.trigger);
}
