import { type Environment, type Expansion, expand } from '../shell/index.ts';

/** Expands a word; one that cannot be expanded without the base image's variables stays as it is. */
export function expandLoosely(word: string, env: Environment, escapeChar: string): Expansion {
  try {
    return expand(word, env, { escape: escapeChar });
  } catch {
    return { result: word, words: [word], matched: new Set(), unmatched: new Set() };
  }
}
