import type { ParsedStages } from '../instructions/index.ts';
import { checkDefaultBase } from '../lint/index.ts';
import { expandAt, resolveGlobalArgs } from './global-args.ts';
import { isReference } from './references.ts';
import type { StageOptions } from './types.ts';

/** Checks what each FROM names when no `--build-arg` is given. */
export function checkDefaults(
  parsed: ParsedStages,
  options: StageOptions,
  targetStage: string,
  escapeChar: string,
): void {
  const { lint } = options;
  if (lint === undefined) return;
  try {
    const args = resolveGlobalArgs(parsed.globalArgs, { ...options, buildArgs: {} }, targetStage, escapeChar);
    // Most stages of a file start from a few bases.
    const known = new Map<string, boolean>();
    for (const { from } of parsed.stages) {
      const { value, range } = from.base;
      const isName = known.get(value) ?? isReference(expandAt(value, args, range, escapeChar).result);
      known.set(value, isName);
      checkDefaultBase(lint.at(from.node.range, from.node.comments), value, isName, range);
    }
  } catch {
    // What cannot be expanded is an error of its own, where the build comes upon it.
  }
}
