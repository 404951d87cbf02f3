import { stageError } from '../errors.ts';
import type { BuildStage } from './types.ts';

/** The stages that a stage needs, itself among them. */
export function findReachable(target: BuildStage): Set<BuildStage> {
  const reachable = new Set([target]);
  addReachable(reachable, [target]);
  return reachable;
}

/** Adds to `known` what some of its stages need, and answers what was new. */
export function addReachable(known: Set<BuildStage>, stages: readonly BuildStage[]): BuildStage[] {
  const added: BuildStage[] = [];
  const visit = (stage: BuildStage): void => {
    for (const needed of listNeeded(stage)) {
      if (known.has(needed)) continue;
      known.add(needed);
      added.push(needed);
    }
  };
  for (const stage of stages) visit(stage);
  // An array hands out what is added to it while it is walked.
  for (const stage of added) visit(stage);
  return added;
}

/**
 * Each stage after the one that it starts from, and after what only `--from` names of what it reads; else in the order that is given.
 * Of stages without contexts that stand for stages, that is the order itself.
 */
export function sortStages(stages: readonly BuildStage[]): readonly BuildStage[] {
  const sorted = new Set<BuildStage>();
  const opened = new Set<BuildStage>();
  const stack = stages.toReversed();
  for (let stage = stack.pop(); stage !== undefined; stage = stack.pop()) {
    const first = opened.has(stage)
      ? []
      : listNeeded(stage).filter((needed) => needed === stage?.base || needed.index === undefined);
    opened.add(stage);
    const missing = first.filter((needed) => !sorted.has(needed));
    if (missing.length === 0) sorted.add(stage);
    else stack.push(stage, ...missing.reverse());
  }
  return [...sorted];
}

/** Throws `DOCKERFILE_STAGE` when a stage needs itself, by whatever way. */
export function checkCycles(stages: readonly BuildStage[]): void {
  const done = new Set<BuildStage>();
  for (const start of stages) {
    const path = new Set<BuildStage>();
    const stack: { readonly stage: BuildStage; readonly rest: BuildStage[] }[] = [];
    const enter = (stage: BuildStage): void => {
      path.add(stage);
      stack.push({ stage, rest: listNeeded(stage) });
    };
    if (!done.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.pop();
      if (next === undefined) {
        stack.pop();
        path.delete(top.stage);
        done.add(top.stage);
      } else if (path.has(next)) {
        const range = top.stage.dependencies.get(next) ?? top.stage.range;
        throw stageError(
          `the stage ${nameStage(next)} depends on itself`,
          range,
          'a stage can only read earlier stages',
        );
      } else if (!done.has(next)) {
        enter(next);
      }
    }
  }
}

/** For messages: the name, the index, or the image. */
export function nameStage(stage: BuildStage): string {
  return JSON.stringify(stage.name || (stage.index === undefined ? stage.baseName : String(stage.index)));
}

function listNeeded(stage: BuildStage): BuildStage[] {
  return [...(stage.base === undefined ? [] : [stage.base]), ...stage.dependencies.keys()];
}
