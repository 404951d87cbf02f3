import { posix } from 'node:path';
import { createIgnoreMatcher, type IgnoreLine } from '../../ignore/index.ts';
import type { SourceRange } from '../../position.ts';
import { cleanPath } from '../../text.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const CopyIgnoredFile: Rule = {
  name: 'CopyIgnoredFile',
  description: 'COPY and ADD name no file that the .dockerignore leaves out',
  url: docsUrl('copy-ignored-file'),
};

export const CopyOutsideContext: Rule = {
  name: 'CopyOutsideContext',
  description: 'COPY and ADD do not reach above the build context',
  own: true,
};

/** The ignore file of the main context. */
export interface IgnoreFile {
  /** As people call it: `.dockerignore`. */
  readonly name: string;
  readonly lines: readonly IgnoreLine[];
}

/** Finds the line of the ignore file that leaves a source of COPY or ADD out. */
export type IgnoreExplainer = (source: string) => IgnoreLine | undefined;

/** Patterns that leave out everything in the root; others do not concern `COPY .`. */
const WHOLE_CONTEXT = new Set(['*', '**', '**/*']);

/**
 * An explainer by BuildKit's rules: a file with `!` patterns is not judged, since what a directory keeps of its own is not
 * told by its name.
 */
export function createIgnoreExplainer({ lines }: IgnoreFile): IgnoreExplainer {
  if (lines.some(({ pattern }) => pattern.startsWith('!'))) return () => undefined;
  const matcher = createIgnoreMatcher(lines);
  return (source) => {
    const path = cleanPath(source);
    if (path === '.' || path === '/') return lines.find(({ pattern }) => WHOLE_CONTEXT.has(pattern));
    return matcher.matches(path) ? matcher.explain(path) : undefined;
  };
}

/** A source of COPY or ADD that is read from the main context, variables replaced. */
export function checkIgnored(
  lint: Linter,
  source: string,
  explain: IgnoreExplainer,
  fileName: string,
  token: SourceRange,
): void {
  const excluded = explain(source);
  if (excluded === undefined) return;
  const message = `${JSON.stringify(source)} is left out by ${JSON.stringify(excluded.pattern)}, line ${excluded.line} of ${fileName}`;
  lint.warn(CopyIgnoredFile, message, token);
}

/** `COPY ../x`: `..` stays at the root of the context, as it does in a file system. */
export function checkOutside(lint: Linter, source: string, read: string, token: SourceRange): void {
  if (!posix.normalize(source).startsWith('..')) return;
  const message = `${JSON.stringify(source)} is above the build context; ${JSON.stringify(read)} of the context is read`;
  lint.warn(CopyOutsideContext, message, token);
}
