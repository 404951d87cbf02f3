import type { BuildStage } from '../stages/types.ts';
import type { Linter } from './linter.ts';
import { answersAlways, checkAptGet } from './rules/apt-get.ts';
import { checkBasePin } from './rules/base-pin.ts';
import { checkInstall, type InstallOrder, NOTHING_INSTALLED, noteCopy } from './rules/install-order.ts';
import type { FileReader } from './rules/secret-files.ts';

/**
 * The checks of a stage that BuildKit does not have: its base, and its steps as they follow each other. `below` is what the stage
 * that it starts from has come to.
 */
export function checkStageSteps(
  file: Linter,
  stage: BuildStage,
  below: InstallOrder | undefined,
  read: FileReader | undefined,
): InstallOrder {
  if (stage.base === undefined && !stage.replaced && stage.baseName !== 'scratch')
    checkBasePin(file.at(stage.range, stage.comments), stage.baseName, stage.baseRange);
  const steps = stage.commands.filter(({ isTrigger }) => !isTrigger);
  const texts = steps.flatMap(({ instruction: { kind, node } }) => (kind === 'run' ? [node.original] : []));
  const asks = !answersAlways(texts);
  let order = below ?? NOTHING_INSTALLED;
  for (const { instruction, range } of steps) {
    const lint = file.at(range, instruction.node.comments);
    if (instruction.kind === 'copy' || instruction.kind === 'add') order = noteCopy(order, lint, instruction);
    if (instruction.kind !== 'run') continue;
    if (asks) checkAptGet(lint, instruction);
    order = checkInstall(order, instruction, read);
  }
  return order;
}
