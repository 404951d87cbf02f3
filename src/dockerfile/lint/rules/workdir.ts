import { posix } from 'node:path';
import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const WorkdirRelativePath: Rule = {
  name: 'WorkdirRelativePath',
  description: 'The first WORKDIR is absolute: a relative one goes where the base image happens to be',
  url: docsUrl('workdir-relative-path'),
};

/** The first WORKDIR of a stage and the stages that it starts from. */
export function checkFirstWorkdir(lint: Linter, path: string, token: SourceRange): void {
  if (posix.isAbsolute(path)) return;
  const message = `${JSON.stringify(path)} is taken from the base image's directory, which may change`;
  lint.warn(WorkdirRelativePath, message, token);
}
