import { didYouMean } from '../../errors.ts';
import type { PairsInstruction } from '../../instructions/index.ts';
import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const UndefinedVar: Rule = {
  name: 'UndefinedVar',
  description: 'Variables are set before they are used',
  url: docsUrl('undefined-var'),
};

export const LegacyKeyValueFormat: Rule = {
  name: 'LegacyKeyValueFormat',
  description: 'ENV and LABEL are written name=value, not name value',
  url: docsUrl('legacy-key-value-format'),
};

/** A variable that was looked up and is neither set nor declared. */
export function checkUnsetVariable(lint: Linter, name: string, known: Iterable<string>, token: SourceRange): void {
  const found = lint.suggest(name, known);
  const near = didYouMean(found === undefined ? undefined : `$${found}`);
  lint.warn(UndefinedVar, `the variable $${name} is not set${near === undefined ? '' : ` (${near})`}`, token);
}

export function checkPairFormat(lint: Linter, { kind, node }: PairsInstruction, token: SourceRange): void {
  // The parser gives each name and value the = between them, which is nothing in the old form.
  if (node.args[2]?.value !== '') return;
  const keyword = kind.toUpperCase();
  lint.warn(LegacyKeyValueFormat, `${keyword} name value is the old form, write ${keyword} name=value`, token);
}
