import { type ArgInstruction, nameSecret, parseMount, type RunInstruction } from '../instructions/index.ts';
import type { SourceRange } from '../position.ts';
import { type BuildStage, findBuildArg, type StageCommand, type StageGraph } from '../stages/index.ts';
import { cleanPath } from '../text.ts';
import { expandLoosely } from './expand.ts';
import type { DefinedArg } from './global-args.ts';

/** What one stage takes. */
export interface StageOutline {
  /** Its variables at its end, as far as the file tells. */
  readonly env: ReadonlyMap<string, string>;
  /** The names that its FROM and its ARGs use. */
  readonly usedArgs: ReadonlySet<string>;
  /** Arguments that it defines itself. */
  readonly args: ReadonlyMap<string, DefinedArg>;
  readonly secrets: ReadonlyMap<string, NeededMount>;
  readonly ssh: ReadonlyMap<string, NeededMount>;
  readonly caches: ReadonlyMap<string, NeededMount>;
}

interface NeededMount {
  readonly required: boolean;
  readonly range: SourceRange;
}

/** Reads a stage's instructions in order, starting with the variables of the stage that it starts from. */
export function outlineStage(
  graph: StageGraph,
  stage: BuildStage,
  fromArgs: Iterable<string>,
  base: StageOutline | undefined,
  buildArgs: Readonly<Record<string, string>>,
): StageOutline {
  const outline = {
    env: new Map(base?.env),
    usedArgs: new Set(fromArgs),
    args: new Map<string, DefinedArg>(),
    secrets: new Map<string, NeededMount>(),
    ssh: new Map<string, NeededMount>(),
    caches: new Map<string, NeededMount>(),
  };
  const expandText = (text: string): string => expandLoosely(text, outline.env, graph.escape).result;
  const addArgs = (instruction: ArgInstruction, { range }: StageCommand): void => {
    for (const definition of instruction.args) {
      const { name } = definition;
      const given = findBuildArg(buildArgs, name);
      const inherited = definition.value === undefined && given === undefined ? graph.globalArgs.get(name) : undefined;
      const own = given ?? (definition.value === undefined ? undefined : expandText(definition.value));
      const value = own ?? inherited;
      if (value !== undefined) outline.env.set(name, value);
      outline.usedArgs.add(name);
      // What comes from the global scope is described where it is defined.
      if (inherited === undefined) outline.args.set(name, { definition, value: own, uses: new Set(), range });
    }
  };
  const addMounts = (instruction: RunInstruction, { range }: StageCommand): void => {
    for (const token of instruction.mounts) {
      const mount = parseMount(token, expandText);
      if (mount.type === 'secret') outline.secrets.set(nameSecret(mount), { required: mount.required, range });
      if (mount.type === 'ssh') outline.ssh.set(mount.id || 'default', { required: mount.required, range });
      if (mount.type === 'cache') outline.caches.set(mount.id || cleanPath(mount.target), { required: false, range });
    }
  };
  for (const command of stage.commands) {
    const { instruction } = command;
    if (instruction.kind === 'arg') addArgs(instruction, command);
    if (instruction.kind === 'run') addMounts(instruction, command);
    if (instruction.kind !== 'env') continue;
    const pairs = instruction.pairs.map(({ key, value }) => [expandText(key), expandText(value)] as const);
    for (const [key, value] of pairs) outline.env.set(key, value);
  }
  return outline;
}
