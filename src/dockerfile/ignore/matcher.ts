import { cleanPath } from '../text.ts';
import type { IgnoreLine } from './ignore-file.ts';
import { type IgnorePattern, parsePattern } from './pattern.ts';
import type { PatternToken } from './tokens.ts';

export interface IgnoreMatcher {
  /**
   * Whether the path (relative to the context root) is excluded: by the last pattern that matches it or a directory
   * above it. This is moby's MatchesOrParentMatches.
   */
  matches(path: string): boolean;
  /**
   * Whether a walk of the context leaves the path out. It differs from `matches` in one corner, as it does in BuildKit:
   * a `!` pattern that matched a directory which was not excluded then does not include its entries again.
   */
  excludes(path: string): boolean;
  /** The pattern that makes a walk leave the path out, and its line (or place in the list); `undefined` if it is included. */
  explain(path: string): IgnoreLine | undefined;
}

interface CompiledPattern extends IgnorePattern {
  readonly source: IgnoreLine;
  readonly regexp: RegExp;
}

/**
 * A matcher of `.dockerignore` patterns with moby/patternmatcher's rules. Patterns may come with their line numbers
 * (`readIgnoreLines`). Throws `IGNORE_PATTERN_INVALID`.
 */
export function createIgnoreMatcher(patterns: readonly (string | IgnoreLine)[]): IgnoreMatcher {
  const compiled: CompiledPattern[] = [];
  for (const [index, entry] of patterns.entries()) {
    const source = typeof entry === 'string' ? { pattern: entry, line: index + 1 } : entry;
    const pattern = parsePattern(source.pattern, source.line - 1);
    if (pattern !== undefined) compiled.push({ ...pattern, source, regexp: toRegExp(pattern.tokens) });
  }
  return {
    matches: (path) => matchWithParents(compiled, cleanPath(path)),
    excludes: (path) => walkTo(compiled, cleanPath(path)) !== undefined,
    explain: (path) => walkTo(compiled, cleanPath(path))?.source,
  };
}

function matchWithParents(patterns: readonly CompiledPattern[], path: string): boolean {
  if (path === '.') return false;
  const candidates = [path, ...listParents(path)];
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.negated !== matched) continue;
    if (candidates.some((candidate) => pattern.regexp.test(candidate))) matched = !pattern.negated;
  }
  return matched;
}

/** The pattern that excludes the path in a walk from the root down to it. */
function walkTo(patterns: readonly CompiledPattern[], path: string): CompiledPattern | undefined {
  if (path === '.') return undefined;
  let above: readonly boolean[] = [];
  let excludedBy: CompiledPattern | undefined;
  for (const step of [...listParents(path), path]) {
    const here: boolean[] = [];
    excludedBy = undefined;
    for (const [index, pattern] of patterns.entries()) {
      let match = above[index] ?? false;
      if (!match && pattern.negated === (excludedBy !== undefined)) match = pattern.regexp.test(step);
      here.push(match);
      if (match) excludedBy = pattern.negated ? undefined : pattern;
    }
    above = here;
  }
  return excludedBy;
}

/** `a/b/c` gives `a`, `a/b`. */
function listParents(path: string): string[] {
  const parents: string[] = [];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
    parents.push(path.slice(0, slash));
  return parents;
}

function toRegExp(tokens: readonly PatternToken[]): RegExp {
  return new RegExp(`^(?:${tokens.map(tokenSource).join('')})$`, 'u');
}

function tokenSource(token: PatternToken): string {
  switch (token.type) {
    case 'literal':
      return token.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    case '?':
      return '[^/]';
    case '*':
      return '[^/]*';
    case '.*':
      return '[^\\n]*';
    case '**':
      return '(?:[^\\n]*/)?';
    case '>':
      return '[^]*';
    case '>/':
      return '(?:[^]*/)?';
    case 'class': {
      const ranges = token.ranges.map(([low, high]) => `\\u{${low.toString(16)}}-\\u{${high.toString(16)}}`);
      return `[${token.negated ? '^' : ''}${ranges.join('')}]${token.repeated ? '*' : ''}`;
    }
    case 'assertion':
      return token.kind.length === 1 && /[bB]/.test(token.kind) ? `\\${token.kind}` : token.kind;
  }
}
