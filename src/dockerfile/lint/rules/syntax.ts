import type { DockerfileNode } from '../../parser/index.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';

export const ForeignSyntax: Rule = {
  name: 'ForeignSyntax',
  description: 'The syntax directive names docker/dockerfile, which is the language that is built in',
  own: true,
};

/** docker/dockerfile of any registry (mirrors have it too), in any version and channel. */
const OWN_SYNTAX = /(?:^|\/)docker\/dockerfile(?:-upstream)?(?:[:@]|$)/;

/** `# syntax=` of another language: what is built may not be what its author meant. */
export function checkSyntax(lint: Linter, ast: DockerfileNode): void {
  const directive = ast.directives.find(({ name }) => name === 'syntax');
  const image = directive?.value.split(/\s/)[0] ?? '';
  if (directive === undefined || OWN_SYNTAX.test(image)) return;
  const message = `${image} is not run: the file is read as a Dockerfile of docker/dockerfile`;
  lint.warn(ForeignSyntax, message, directive.valueRange);
}
