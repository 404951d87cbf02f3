import { TsbuildError } from '../../errors.ts';

/** A word that cannot be expanded: a missing brace or quote, an unknown operator, an unset `${name:?}`. */
export function invalidExpansion(word: string, why: string): TsbuildError {
  const shown = word.length > 200 ? `${word.slice(0, 200)}…` : word;
  return new TsbuildError('EXPANSION_INVALID', `cannot expand ${JSON.stringify(shown)}: ${why}`, {
    details: { word: shown },
  });
}
