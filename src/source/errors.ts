import { TsbuildError } from '../errors.ts';

/** A source op whose scheme nobody serves. */
export function unknownScheme(identifier: string, known: readonly string[]): TsbuildError {
  return new TsbuildError('SOURCE_UNSUPPORTED', `cannot read from ${JSON.stringify(identifier)}`, {
    hint: `sources are ${known.map((scheme) => `${scheme}://`).join(', ')}`,
  });
}

/** `local://<name>` without a context of that name. */
export function unknownContext(name: string, known: readonly string[]): TsbuildError {
  const names = known.map((context) => JSON.stringify(context)).join(', ');
  return new TsbuildError('CONTEXT_NOT_FOUND', `the build has no context ${JSON.stringify(name)}`, {
    hint: known.length === 0 ? 'the build was given no context at all' : `it has ${names}`,
  });
}

/** The directory of a context is gone or is none. */
export function contextUnreadable(name: string, directory: string, why: string, cause?: unknown): TsbuildError {
  const what = name === 'context' ? 'the build context' : `the build context ${JSON.stringify(name)}`;
  return new TsbuildError('CONTEXT_UNREADABLE', `cannot read ${what} ${directory}: ${why}`, { cause });
}
