import { redactUrls } from '../../remote-url/index.ts';
import type { ArgInstruction, PairsInstruction } from '../instructions/index.ts';
import { checkPairFormat, checkSecretName } from '../lint/index.ts';
import type { SourceRange } from '../position.ts';
import { findBuildArg, type StageCommand } from '../stages/index.ts';
import { type Conversion, expandText, NOT_IN_ENV, placeOf, type StageDraft, setBuildEnv } from './draft.ts';
import { addHistory, setImageEnv } from './image/image.ts';

/** All values are replaced before the first is set: `ENV a=1 b=$a` sees the `a` from before. */
export function convertEnv(
  conversion: Conversion,
  draft: StageDraft,
  instruction: PairsInstruction,
  command: StageCommand,
): void {
  const pairs = expandPairs(conversion, draft, instruction, command);
  checkPairFormat(conversion.lint, instruction, placeOf(command, instruction.pairs[0]));
  for (const { key, value, range } of pairs) {
    checkSecretName(conversion.lint, 'ENV', key, range);
    setBuildEnv(draft, key, value);
    setImageEnv(draft.image, key, value);
  }
  addHistory(draft.image, ['ENV', ...pairs.map(({ key, value }) => `${key}=${value}`)].join(' '), false);
}

export function convertLabel(
  conversion: Conversion,
  draft: StageDraft,
  instruction: PairsInstruction,
  command: StageCommand,
): void {
  const pairs = expandPairs(conversion, draft, instruction, command);
  checkPairFormat(conversion.lint, instruction, placeOf(command, instruction.pairs[0]));
  for (const { key, value } of pairs) draft.image.labels.push([key, value]);
  addHistory(draft.image, ['LABEL', ...pairs.map(({ key, value }) => `${key}=${value}`)].join(' '), false);
}

/** `--build-arg` over the default, a global value where there is neither; each argument sees those before it. */
export function convertArg(
  conversion: Conversion,
  draft: StageDraft,
  instruction: ArgInstruction,
  command: StageCommand,
): void {
  const shown: string[] = [];
  for (const arg of instruction.args) {
    const { name } = arg;
    checkSecretName(conversion.lint, 'ARG', name, placeOf(command, arg));
    const value =
      findBuildArg(conversion.request.buildArgs, name) ??
      (arg.value === undefined
        ? conversion.graph.globalArgs.get(name)
        : expandText(conversion, draft, arg.value, placeOf(command, arg)));
    if (value !== undefined && !NOT_IN_ENV.has(name)) setBuildEnv(draft, name, value);
    draft.buildArgs = draft.buildArgs.replace(name, value ?? '');
    shown.push(value === undefined ? name : redactUrls(`${name}=${value}`));
  }
  addHistory(draft.image, `ARG ${shown.join(' ')}`, false);
}

function expandPairs(
  conversion: Conversion,
  draft: StageDraft,
  instruction: PairsInstruction,
  command: StageCommand,
): { key: string; value: string; range: SourceRange }[] {
  return instruction.pairs.map((pair) => ({
    key: expandText(conversion, draft, pair.key, placeOf(command, pair)),
    value: expandText(conversion, draft, pair.value, placeOf(command, pair)),
    range: placeOf(command, pair),
  }));
}
