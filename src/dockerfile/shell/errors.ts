import { TsbuildError } from '../../errors.ts';
import { clip } from '../text.ts';

/** A word that cannot be expanded: a missing brace or quote, an unknown operator, an unset `${name:?}`. */
export function invalidExpansion(word: string, why: string): TsbuildError {
  const shown = clip(word, 200);
  return new TsbuildError('EXPANSION_INVALID', `cannot expand ${JSON.stringify(shown)}: ${why}`, {
    details: { word: shown },
  });
}
