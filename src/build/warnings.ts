import { formatFrame } from '../dockerfile/frame.ts';
import { describeWarning, type LintWarning } from '../dockerfile/lint/index.ts';
import type { Digest } from '../oci/index.ts';
import type { VertexWarning } from '../progress/events.ts';
import type { DockerfileInput } from './inputs.ts';

/** A finding of the checks in the shape of BuildKit's, with the lines that it is about. */
export function toVertexWarning(warning: LintWarning, vertex: Digest, dockerfile: DockerfileInput): VertexWarning {
  const { rule, range } = warning;
  return {
    vertex,
    level: 1,
    short: describeWarning(warning),
    detail: [rule.description],
    ...(rule.url === undefined ? {} : { url: rule.url }),
    ...(range === undefined
      ? {}
      : {
          frame: `${dockerfile.fileName}:${range.start.line}:${range.start.column + 1}\n${formatFrame(dockerfile.text, range)}`,
        }),
  };
}
