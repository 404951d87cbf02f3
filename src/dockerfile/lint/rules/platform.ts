import { formatPlatform, type Platform, parsePlatform } from '../../../oci/index.ts';
import type { SourceRange } from '../../position.ts';
import type { Expansion } from '../../shell/index.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const RedundantTargetPlatform: Rule = {
  name: 'RedundantTargetPlatform',
  description: 'FROM --platform=$TARGETPLATFORM says what is the default',
  url: docsUrl('redundant-target-platform'),
};

export const FromPlatformFlagConstDisallowed: Rule = {
  name: 'FromPlatformFlagConstDisallowed',
  description: 'FROM --platform takes a variable, or the name of the stage tells the platform',
  url: docsUrl('from-platform-flag-const-disallowed'),
};

export const InvalidBaseImagePlatform: Rule = {
  name: 'InvalidBaseImagePlatform',
  description: 'The base image is for the platform that is built for',
};

const TARGET = 'TARGETPLATFORM';

/** The value of `--platform`, as written and as it came out. */
export function checkPlatformFlag(
  lint: Linter,
  written: string,
  { result, matched, unmatched }: Expansion,
  targetPlatform: string | undefined,
  stageName: string,
  token: SourceRange,
): void {
  if (matched.size === 0 && unmatched.size === 0) {
    const platform = parseOrNothing(result);
    if (platform === undefined || stageName.includes(platform.os) || stageName.includes(platform.architecture)) return;
    const message = `--platform=${result} is always the same; write a variable, or the platform into the stage's name`;
    lint.warn(FromPlatformFlagConstDisallowed, message, token);
  } else if (matched.size === 1 && matched.has(TARGET) && unmatched.size === 0 && result === targetPlatform) {
    lint.warn(RedundantTargetPlatform, `--platform=${written} is the default`, token);
  }
}

export function checkBasePlatform(
  lint: Linter,
  baseName: string,
  wanted: Platform,
  actual: Platform,
  token: SourceRange,
): void {
  if (actual.os === wanted.os && actual.architecture === wanted.architecture) return;
  const message = `the base image ${baseName} is for ${formatPlatform(actual)}, expected ${formatPlatform(wanted)}`;
  lint.warn(InvalidBaseImagePlatform, message, token);
}

function parseOrNothing(text: string): Platform | undefined {
  try {
    return parsePlatform(text);
  } catch {
    // The build itself will say what is wrong with it.
    return undefined;
  }
}
