import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const JSONArgsRecommended: Rule = {
  name: 'JSONArgsRecommended',
  description: 'CMD and ENTRYPOINT are JSON arrays, so that signals reach the program and not a shell around it',
  url: docsUrl('json-args-recommended'),
};

export const MultipleInstructionsDisallowed: Rule = {
  name: 'MultipleInstructionsDisallowed',
  description: 'A stage has one CMD, one ENTRYPOINT and one HEALTHCHECK: only the last counts',
  url: docsUrl('multiple-instructions-disallowed'),
};

/** A shell form where nobody chose the shell. */
export function checkShellForm(lint: Linter, keyword: string, token: SourceRange): void {
  const message = `${keyword} in shell form: signals reach the shell and not the program; write a JSON array`;
  lint.warn(JSONArgsRecommended, message, token);
}

/** What only the last instruction of a kind sets: the places of the last one, by kind. */
export type LastPlaces = Map<string, Linter>;

/** Warns at the earlier one: that is the one without effect. */
export function checkUsedOnce(lint: Linter, places: LastPlaces, keyword: string): void {
  places.get(keyword)?.warn(MultipleInstructionsDisallowed, `a later ${keyword} of this stage takes the place of this`);
  places.set(keyword, lint);
}
