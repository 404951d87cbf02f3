import type { SourceRange } from '../position.ts';

/** A build check, as data. What it looks at is in `rules/`. */
export interface Rule {
  /** BuildKit's name, where BuildKit has the rule: `# check=skip=<name>` means the same there. */
  readonly name: string;
  /** One sentence, for lists. */
  readonly description: string;
  /** Where the rule is explained at length. */
  readonly url?: string;
  /** Off until `experimental=` names it, or is `all`. */
  readonly experimental?: boolean;
  /**
   * tsbuild's own: BuildKit has no such rule. So that a file which builds there builds here too, it makes `error=true` fail
   * a build only where `experimental=` names it.
   */
  readonly own?: boolean;
}

/** Something that a rule found. */
export interface LintWarning {
  readonly rule: Rule;
  readonly message: string;
  /** The exact words that it is about; `undefined` when they are not in the file. */
  readonly range: SourceRange | undefined;
  /** The whole instruction (or line): the place that BuildKit tells. */
  readonly instruction: SourceRange | undefined;
}

export type WarningSink = (warning: LintWarning) => void;
