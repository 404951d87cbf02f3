import { formatPlatform, type Platform } from '../../oci/index.ts';
import { syntaxError } from '../errors.ts';
import type { ArgInstruction } from '../instructions/index.ts';
import type { SourceRange } from '../position.ts';
import { type Environment, type Expansion, expand } from '../shell/index.ts';
import type { StageOptions } from './types.ts';

export const SCRATCH = 'scratch';

/** The global scope: the platform arguments, then ARG before the first FROM in order, `--build-arg` over both. */
export function resolveGlobalArgs(
  definitions: readonly ArgInstruction[],
  options: StageOptions,
  targetStage: string,
  escapeChar: string,
): ReadonlyMap<string, string> {
  const { buildArgs } = options;
  const args = new Map<string, string>();
  const platformArgs = {
    ...describePlatform('BUILD', options.buildPlatform),
    ...describePlatform('TARGET', options.targetPlatform),
    TARGETSTAGE: targetStage,
  };
  for (const [name, value] of Object.entries(platformArgs)) args.set(name, findBuildArg(buildArgs, name) ?? value);
  for (const instruction of definitions)
    for (const { name, value, range } of instruction.args) {
      const given =
        findBuildArg(buildArgs, name) ??
        (value === undefined ? undefined : expandAt(value, args, range, escapeChar).result);
      if (given !== undefined) args.set(name, given);
    }
  const { sourceDateEpoch } = options;
  if (sourceDateEpoch !== undefined && args.has('SOURCE_DATE_EPOCH')) args.set('SOURCE_DATE_EPOCH', sourceDateEpoch);
  return args;
}

export function findBuildArg(buildArgs: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
}

/** Expands a word; an error gets the place. */
export function expandAt(word: string, env: Environment, range: SourceRange, escapeChar: string): Expansion {
  try {
    return expand(word, env, { escape: escapeChar });
  } catch (error) {
    throw syntaxError(error instanceof Error ? error.message : String(error), range);
  }
}

function describePlatform(prefix: 'BUILD' | 'TARGET', platform: Platform): Record<string, string> {
  return {
    [`${prefix}PLATFORM`]: formatPlatform(platform),
    [`${prefix}OS`]: platform.os,
    [`${prefix}OSVERSION`]: platform['os.version'] ?? '',
    [`${prefix}ARCH`]: platform.architecture,
    [`${prefix}VARIANT`]: platform.variant ?? '',
  };
}
