import { TsbuildError } from '../../errors.ts';
import { DockerfileError } from '../errors.ts';
import type { LintWarning } from './types.ts';

/** `--build-arg BUILDKIT_DOCKERFILE_CHECK=…` that cannot be read. */
export function checkArgInvalid(name: string, value: string, why: string): TsbuildError {
  return new TsbuildError('BUILD_ARG_INVALID', `${name} is ${JSON.stringify(value)}: ${why}`, {
    hint: `it is skip=Rule,Rule;experimental=Rule;error=true, or all in place of rules`,
    details: { name },
  });
}

/** More would hide what is below; the summary of the build has all. */
const MAX_LISTED = 20;

/** `error=true`: what the checks found is an error. */
export function checksFailed(warnings: readonly LintWarning[]): DockerfileError {
  const lines = warnings.slice(0, MAX_LISTED).map((warning) => `- ${describeWarning(warning)}`);
  if (warnings.length > MAX_LISTED) lines.push(`- and ${warnings.length - MAX_LISTED} more`);
  const [first] = warnings;
  const rules = [...new Set(warnings.map(({ rule }) => rule.name))].join(',');
  return new DockerfileError(
    'DOCKERFILE_CHECKS_FAILED',
    `the build checks found what error=true does not allow:\n${lines.join('\n')}`,
    {
      hint: 'nothing was built: change the lines, or skip a rule for one instruction by # check=skip=<rule> above it',
      details: { rules },
      ...(first?.range === undefined ? {} : { range: first.range }),
    },
  );
}

/** `Rule: what it found (line 3)`, BuildKit's shape. */
export function describeWarning({ rule, message, instruction }: LintWarning): string {
  return `${rule.name}: ${message}${instruction === undefined ? '' : ` (line ${instruction.start.line})`}`;
}
