import { createIgnoreMatcher } from '../ignore/index.ts';
import { checkSecretsInContext, checkStageSteps, type InstallOrder, isEverything } from '../lint/index.ts';
import type { BuildStage } from '../stages/index.ts';
import type { Conversion } from './draft.ts';

/** The checks of the stages' steps that are tsbuild's own. */
export function checkSteps(conversion: Conversion, needed: ReadonlySet<BuildStage>): void {
  const { graph, lint, request } = conversion;
  const orders = new Map<BuildStage, InstallOrder>();
  for (const stage of graph.stages) {
    if (!needed.has(stage)) continue;
    const below = stage.base && orders.get(stage.base);
    orders.set(stage, checkStageSteps(lint, stage, below, request.readContextFile));
  }
  // What other stages take along stays behind with them.
  for (let stage: BuildStage | undefined = graph.target; stage !== undefined; stage = stage.base)
    checkWholeCopies(conversion, stage);
}

function checkWholeCopies({ lint, request }: Conversion, stage: BuildStage): void {
  const { readContextFile, ignoreFile } = request;
  if (readContextFile === undefined) return;
  const matcher = createIgnoreMatcher(ignoreFile?.lines ?? []);
  for (const { instruction, range, isTrigger } of stage.commands) {
    if ((instruction.kind !== 'copy' && instruction.kind !== 'add') || isTrigger || instruction.from !== undefined)
      continue;
    const whole = instruction.sources.find(({ value }) => isEverything(value));
    if (whole === undefined) continue;
    const scoped = lint.at(range, instruction.node.comments);
    checkSecretsInContext(scoped, (path) => matcher.excludes(path), readContextFile, whole.range);
  }
}
