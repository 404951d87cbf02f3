import type { ArgDefinition, ArgInstruction } from '../instructions/index.ts';
import type { SourceRange } from '../position.ts';
import { findBuildArg, type StageGraph } from '../stages/index.ts';
import { expandLoosely } from './expand.ts';

/** An argument as some ARG defines it. */
export interface DefinedArg {
  readonly definition: ArgDefinition;
  readonly value: string | undefined;
  /** Other arguments that its default is made of. */
  readonly uses: ReadonlySet<string>;
  readonly range: SourceRange;
}

const NONE: ReadonlySet<string> = new Set();

/** The ARGs before the first FROM by name, the last of a name; each knows what its default is made of. */
export function describeGlobalArgs(
  instructions: readonly ArgInstruction[],
  graph: StageGraph,
  buildArgs: Readonly<Record<string, string>>,
): ReadonlyMap<string, DefinedArg> {
  const found = new Map<string, DefinedArg>();
  for (const { args, node } of instructions)
    for (const definition of args) {
      const { name } = definition;
      const given = findBuildArg(buildArgs, name);
      const uses = new Set(
        given === undefined ? expandLoosely(definition.value ?? '', graph.globalArgs, graph.escape).matched : NONE,
      );
      // ARG A=${A}-x goes on with what the earlier one was made of.
      if (uses.delete(name)) for (const earlier of found.get(name)?.uses ?? NONE) uses.add(earlier);
      const value = graph.globalArgs.get(name);
      found.set(name, { definition, value, uses, range: node.range });
    }
  return found;
}
