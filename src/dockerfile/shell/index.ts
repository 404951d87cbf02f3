import { type Environment, type ExpandOptions, expand } from './lexer.ts';

export { type Environment, type ExpandOptions, type Expansion, expand } from './lexer.ts';

/** The word with its variables replaced and its quotes and escapes taken off. Throws `EXPANSION_INVALID`. */
export function expandWord(word: string, env: Environment, options?: ExpandOptions): string {
  return expand(word, env, options).result;
}

/** As `expandWord`, split into words at white space that is not quoted, after replacement. Throws `EXPANSION_INVALID`. */
export function expandWords(word: string, env: Environment, options?: ExpandOptions): string[] {
  return [...expand(word, env, options).words];
}
