import { TsbuildError } from '../../errors.ts';

export function invalidIgnorePattern(pattern: string, line: number, why: string): TsbuildError {
  return new TsbuildError('IGNORE_PATTERN_INVALID', `ignore pattern ${JSON.stringify(pattern)}: ${why}`, {
    hint: 'patterns are those of .dockerignore: * ? [a-z] ** and a leading ! to include again; escape with \\',
    details: { pattern, line },
  });
}
