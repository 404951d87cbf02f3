import { DockerfileError } from '../errors.ts';
import { type ParsedStages, parseStages } from '../instructions/index.ts';
import { type DockerfileNode, parseDockerfile } from '../parser/index.ts';

/** The stages of a Dockerfile; throws what the parser refuses. */
export function readStages(source: string): ParsedStages & { readonly ast: DockerfileNode } {
  const { ast, diagnostics } = parseDockerfile(source);
  for (const { severity, code, message, range, hint } of diagnostics)
    if (severity === 'error') throw new DockerfileError(code, message, { range, ...(hint ? { hint } : {}) });
  return { ...parseStages(ast), ast };
}
