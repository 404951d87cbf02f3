import type { Location } from '../../dockerfile/outline/index.ts';
import type { SourceRange } from '../../dockerfile/position.ts';

/** What the checks found. The members are named as in BuildKit's JSON (frontend/subrequests/lint): programs read both. */
export interface CheckReport {
  readonly warnings: readonly CheckWarning[];
  readonly sources: readonly CheckSource[];
  /** Why the Dockerfile could not be converted whole; what stands behind the place is not checked then. */
  readonly buildError?: CheckError;
}

export interface CheckWarning {
  readonly ruleName: string;
  readonly description: string;
  /** A page about the rule. */
  readonly url?: string;
  readonly detail: string;
  /** Without ranges when it is not about a place in the file. */
  readonly location: CheckLocation;
}

/** `ranges` are the lines of the instruction, as BuildKit tells them. */
export interface CheckLocation extends Partial<Location> {
  /** In `sources`; 0 when absent. */
  readonly sourceIndex?: number;
  /** The exact words; BuildKit has no such member. */
  readonly token?: TokenRange;
}

/** Lines count from 1, characters from 0, in UTF-16 code units; the end is exclusive. */
interface TokenRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

export interface CheckSource {
  readonly filename: string;
  /** The file, in base64. */
  readonly data: string;
  readonly language: 'Dockerfile';
}

export interface CheckError {
  readonly message: string;
  readonly location: CheckLocation;
}

export function toTokenRange({ start, end }: SourceRange): TokenRange {
  return {
    start: { line: start.line, character: start.column },
    end: { line: end.line, character: end.column },
  };
}
