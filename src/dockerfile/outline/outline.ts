import type { FromInstruction } from '../instructions/index.ts';
import {
  addTriggers,
  type BuildStage,
  findReachable,
  resolveStages,
  type StageGraph,
  type StageOptions,
} from '../stages/index.ts';
import { expandLoosely } from './expand.ts';
import { type DefinedArg, describeGlobalArgs } from './global-args.ts';
import { sortByLine, toLocation } from './location.ts';
import { readStages } from './read.ts';
import { outlineStage, type StageOutline } from './stage.ts';
import type { Outline, OutlineArg, OutlineCache, OutlineSecret } from './types.ts';

/**
 * What a target takes. No image is looked at: variables and ONBUILD triggers that only a base image has are not known
 * here. Throws a `DockerfileError`.
 */
export function outlineStages(source: string, options: StageOptions): Outline {
  const { stages, globalArgs, ast } = readStages(source);
  const graph = resolveStages({ stages, globalArgs }, ast.escape, options);
  addStageTriggers(graph);
  const needed = findReachable(graph.target);
  const outlines = new Map<BuildStage, StageOutline>();
  for (const stage of graph.stages) {
    if (!needed.has(stage)) continue;
    const from = stage.index === undefined ? undefined : stages[stage.index]?.from;
    const base = stage.base && outlines.get(stage.base);
    outlines.set(stage, outlineStage(graph, stage, listFromArgs(graph, from), base, options.buildArgs));
  }
  // The target first: what several stages define is told as it is there.
  const order = [...needed].flatMap((stage) => outlines.get(stage) ?? []);
  const from = graph.target.index === undefined ? undefined : stages[graph.target.index]?.from;
  return {
    ...(from?.stageName === undefined ? {} : { name: from.stageName }),
    ...(from?.description === undefined ? {} : { description: from.description }),
    ...unlessEmpty('args', collectArgs(order, describeGlobalArgs(globalArgs, graph, options.buildArgs))),
    ...unlessEmpty('secrets', collectMounts(order, 'secrets')),
    ...unlessEmpty('ssh', collectMounts(order, 'ssh')),
    ...unlessEmpty('cache', collectCaches(order)),
    sources: [Buffer.from(source).toString('base64')],
  };
}

/** ONBUILD of a stage counts in the stages that start from it. */
function addStageTriggers(graph: StageGraph): void {
  const done = new Set<BuildStage>();
  for (let again = true; again; ) {
    again = false;
    for (const stage of findReachable(graph.target)) {
      if (done.has(stage) || stage.base === undefined) continue;
      done.add(stage);
      const triggers = stage.base.commands.flatMap(({ instruction }) =>
        instruction.kind === 'onbuild' ? [instruction.expression] : [],
      );
      if (addTriggers(graph, stage, triggers)) again = true;
    }
  }
}

function listFromArgs(graph: StageGraph, from: FromInstruction | undefined): string[] {
  if (from === undefined) return [];
  return [from.base, ...(from.platform === undefined ? [] : [from.platform])].flatMap(({ value }) => [
    ...expandLoosely(value, graph.globalArgs, graph.escape).matched,
  ]);
}

function collectArgs(
  order: readonly StageOutline[],
  globalArgs: ReadonlyMap<string, DefinedArg>,
): readonly OutlineArg[] {
  const found = new Map<string, DefinedArg>();
  for (const { usedArgs, args } of order) {
    // A set hands out what is added to it while it is walked.
    const used = new Set(usedArgs);
    for (const name of used) {
      const arg = args.get(name) ?? globalArgs.get(name);
      if (arg === undefined || found.has(name)) continue;
      found.set(name, arg);
      for (const other of arg.uses) used.add(other);
    }
  }
  return sortByLine(
    [...found].map(([name, { definition, value, range }]) => ({
      name,
      ...(definition.description === undefined ? {} : { description: definition.description }),
      ...(value ? { value } : {}),
      location: toLocation(range),
    })),
  );
}

function collectMounts(order: readonly StageOutline[], kind: 'secrets' | 'ssh'): readonly OutlineSecret[] {
  const found = new Map<string, OutlineSecret>();
  for (const outline of order)
    for (const [name, { required, range }] of outline[kind])
      if (!found.has(name)) found.set(name, { name, ...(required ? { required } : {}), location: toLocation(range) });
  return sortByLine([...found.values()]);
}

function collectCaches(order: readonly StageOutline[]): readonly OutlineCache[] {
  const found = new Map<string, OutlineCache>();
  for (const { caches } of order)
    for (const [id, { range }] of caches) if (!found.has(id)) found.set(id, { ID: id, location: toLocation(range) });
  return sortByLine([...found.values()]);
}

function unlessEmpty<K extends string, T>(key: K, items: readonly T[]): { readonly [P in K]?: readonly T[] } {
  return items.length === 0 ? {} : ({ [key]: items } as { readonly [P in K]: readonly T[] });
}
