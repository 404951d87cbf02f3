import { didYouMean } from '../../errors.ts';
import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const UndefinedArgInFrom: Rule = {
  name: 'UndefinedArgInFrom',
  description: 'FROM uses arguments that an ARG before the first FROM declares',
  url: docsUrl('undefined-arg-in-from'),
};

export const InvalidDefaultArgInFrom: Rule = {
  name: 'InvalidDefaultArgInFrom',
  description: 'The defaults of the arguments in FROM make a name of an image',
  url: docsUrl('invalid-default-arg-in-from'),
};

/** What FROM or its `--platform` looked up and did not find. */
export function checkFromArgs(
  lint: Linter,
  unset: Iterable<string>,
  declared: ReadonlySet<string>,
  token: SourceRange,
): void {
  for (const name of unset) {
    if (declared.has(name)) continue;
    const near = didYouMean(lint.suggest(name, declared));
    const message = `no ARG before the first FROM declares ${name}${near === undefined ? '' : ` (${near})`}`;
    lint.warn(UndefinedArgInFrom, message, token);
  }
}

/** `base` is as it was written; `isImageName` tells whether what the defaults make of it can be an image. */
export function checkDefaultBase(lint: Linter, base: string, isImageName: boolean, token: SourceRange): void {
  if (isImageName) return;
  const message = `${base} is no name of an image where no --build-arg is given: give its arguments defaults`;
  lint.warn(InvalidDefaultArgInFrom, message, token);
}
