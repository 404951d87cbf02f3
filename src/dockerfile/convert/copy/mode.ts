import { syntaxError } from '../../errors.ts';
import type { SourceRange } from '../../position.ts';

/** `--chmod`: bits that everything gets, or a change of those that it has. */
export type CopyMode = { readonly mode: number } | { readonly modeChange: string };

/** One clause after the other: classes, then operators with the permissions, or the class, that they give. */
const SYMBOLIC = /^[ugoa]*(?:[-+=][rwxXstugo]*)+(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*$/;

/** Reads the value of `--chmod`, variables replaced; empty is none. Throws `DOCKERFILE_SYNTAX`. */
export function parseCopyMode(text: string, range: SourceRange): CopyMode | undefined {
  if (text === '') return undefined;
  if (SYMBOLIC.test(text)) return { modeChange: text };
  if (!/^[0-7]+$/.test(text)) {
    const hint = /^\d/.test(text)
      ? 'a number is octal, from 0 to 7777'
      : 'give an octal number up to 7777, or changes as chmod takes them: u=rwX,go=rX';
    throw syntaxError(`--chmod=${text} is not a mode`, range, hint);
  }
  const mode = Number.parseInt(text, 8);
  if (mode > 0o7777)
    throw syntaxError(`--chmod=${text} is out of range`, range, 'expected octal digits from 0 to 7777');
  return { mode };
}
