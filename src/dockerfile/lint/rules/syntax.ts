import type { FrontendRequest } from '../../parser/index.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';

export const ForeignSyntax: Rule = {
  name: 'ForeignSyntax',
  description: 'The syntax directive names docker/dockerfile, which is the language that is built in',
  own: true,
};

/** docker/dockerfile of any registry (mirrors have it too), in any version and channel; or BuildKit's word for what is built in. */
const OWN_SYNTAX = /(?:^|\/)docker\/dockerfile(?:-upstream)?(?:[:@]|$)|^dockerfile\.v0$/;

/** A frontend of another language: what is built may not be what its author meant. */
export function checkSyntax(lint: Linter, frontend: FrontendRequest | undefined): void {
  if (frontend === undefined || OWN_SYNTAX.test(frontend.image)) return;
  const message = `${frontend.image} is not run: the file is read as a Dockerfile of docker/dockerfile`;
  lint.warn(ForeignSyntax, message, frontend.range);
}
