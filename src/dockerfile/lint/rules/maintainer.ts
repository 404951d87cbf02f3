import type { InstructionNode } from '../../parser/index.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const MaintainerDeprecated: Rule = {
  name: 'MaintainerDeprecated',
  description: 'MAINTAINER is deprecated: a label names the author of an image',
  url: docsUrl('maintainer-deprecated'),
};

export function checkMaintainer(lint: Linter, node: InstructionNode): void {
  const message = 'MAINTAINER is deprecated; write LABEL org.opencontainers.image.authors="…"';
  lint.warn(MaintainerDeprecated, message, node.keyword.range);
}
