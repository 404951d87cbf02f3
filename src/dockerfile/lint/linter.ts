import { suggest } from '../../suggest.ts';
import type { DockerfileError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import type { SourceRange } from '../position.ts';
import { checksFailed } from './errors.ts';
import { type CheckOptions, type RuleSet, readCommentOptions } from './options.ts';
import type { LintWarning, Rule, WarningSink } from './types.ts';

/**
 * What rules tell their findings to: it knows which of them are wanted, by the file and by the comments above an
 * instruction, and whether they make the build fail.
 */
export interface Linter {
  /** A rule found something. `token` is the exact place; without one the whole instruction is meant. */
  warn(rule: Rule, message: string, token?: SourceRange): void;
  /** The same linter while one instruction is looked at: its place, and what the comments above it say. */
  at(instruction: SourceRange, comments: readonly Token[]): Linter;
  /** The name of `known` that a mistyped one most likely means; only the first few are looked for, which may take long. */
  suggest(name: string, known: Iterable<string>): string | undefined;
  /** What `error=true` makes of the warnings so far. */
  failure(): DockerfileError | undefined;
}

/** Reports what the rules find and `options` wants. */
export function createLinter(options: CheckOptions, sink: WarningSink | undefined): Linter {
  const failing: LintWarning[] = [];
  const report = (warning: LintWarning): void => {
    if (options.error && (warning.rule.own !== true || names(options.experimental, warning.rule.name)))
      failing.push(warning);
    sink?.(warning);
  };
  return new ScopedLinter([options], report, failing, { left: MAX_SUGGESTIONS });
}

/** Who has more names wrong than this has made another mistake than a slip of the pen. */
const MAX_SUGGESTIONS = 100;

class ScopedLinter implements Linter {
  /** The file's, then the instruction's. */
  readonly #options: readonly CheckOptions[];
  readonly #report: WarningSink;
  readonly #failing: readonly LintWarning[];
  readonly #suggestions: { left: number };
  readonly #instruction: SourceRange | undefined;

  constructor(
    options: readonly CheckOptions[],
    report: WarningSink,
    failing: readonly LintWarning[],
    suggestions: { left: number },
    instruction?: SourceRange,
  ) {
    this.#options = options;
    this.#report = report;
    this.#failing = failing;
    this.#suggestions = suggestions;
    this.#instruction = instruction;
  }

  warn(rule: Rule, message: string, token?: SourceRange): void {
    if (!this.#wants(rule)) return;
    const instruction = this.#instruction ?? token;
    this.#report({ rule, message, instruction, range: token ?? instruction });
  }

  at(instruction: SourceRange, comments: readonly Token[]): Linter {
    const own = comments.length === 0 ? undefined : readCommentOptions(comments);
    const options = own === undefined ? this.#options : [...this.#options, own];
    return new ScopedLinter(options, this.#report, this.#failing, this.#suggestions, instruction);
  }

  suggest(name: string, known: Iterable<string>): string | undefined {
    return this.#suggestions.left-- > 0 ? suggest(name, known) : undefined;
  }

  failure(): DockerfileError | undefined {
    return this.#failing.length === 0 ? undefined : checksFailed(this.#failing);
  }

  #wants(rule: Rule): boolean {
    if (rule.experimental !== true) return !this.#options.some(({ skip }) => has(skip, rule.name));
    // In BuildKit `skip` does not reach what was asked for as an experiment; of tsbuild's own it can name one.
    if (rule.own === true && this.#options.some(({ skip }) => names(skip, rule.name))) return false;
    return this.#options.some(({ experimental }) => has(experimental, rule.name));
  }
}

function has(rules: RuleSet, name: string): boolean {
  return rules === 'all' || rules.has(name);
}

function names(rules: RuleSet, name: string): boolean {
  return rules !== 'all' && rules.has(name);
}
