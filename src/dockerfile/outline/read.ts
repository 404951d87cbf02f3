import { throwFirstError } from '../errors.ts';
import { type ParsedStages, parseStages } from '../instructions/index.ts';
import { type DockerfileNode, parseDockerfile } from '../parser/index.ts';

/** The stages of a Dockerfile; throws what the parser refuses. */
export function readStages(source: string): ParsedStages & { readonly ast: DockerfileNode } {
  const { ast, diagnostics } = parseDockerfile(source);
  throwFirstError(diagnostics);
  return { ...parseStages(ast), ast };
}
