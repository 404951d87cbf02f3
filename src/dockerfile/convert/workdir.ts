import { posix } from 'node:path';
import { fileState, InputList } from '../../llb/index.ts';
import type { TextInstruction } from '../instructions/index.ts';
import { checkFirstWorkdir } from '../lint/index.ts';
import type { StageCommand } from '../stages/index.ts';
import { trimSpace } from '../text.ts';
import { type Conversion, describe, expandText, placeOf, type StageDraft } from './draft.ts';
import { epochOf } from './epoch.ts';
import { addHistory } from './image/image.ts';
import { describeLine, nameStep } from './names.ts';
import { resolvePath } from './paths.ts';

/** Sets the directory and makes it, for the user of that moment; `/` needs no step. */
export function convertWorkdir(
  conversion: Conversion,
  draft: StageDraft,
  instruction: TextInstruction,
  command: StageCommand,
): void {
  const path = expandText(conversion, draft, instruction.value.value, placeOf(command, instruction.value));
  if (!draft.workdirSet) checkFirstWorkdir(conversion.lint, path, placeOf(command, instruction.value));
  draft.workdirSet = true;
  setWorkdir(draft, path);
  const isRoot = draft.cwd === '/';
  if (!isRoot) {
    const line = trimSpace(instruction.node.original);
    const name = nameStep(
      conversion,
      draft,
      describeLine(draft, line, { escape: conversion.graph.escape }),
      command.isTrigger,
    );
    const inputs = new InputList();
    const base = inputs.add(draft.state);
    const { User: owner } = draft.image.config;
    const mtime = epochOf(conversion.request);
    draft.state = fileState(
      inputs.states,
      base,
      [
        {
          type: 'mkdir',
          path: draft.cwd,
          mode: 0o755,
          makeParents: true,
          ...(owner ? { owner } : {}),
          ...(mtime === undefined ? {} : { mtime }),
        },
      ],
      describe(conversion, name, command.range),
    );
  }
  addHistory(draft.image, `WORKDIR ${draft.image.config.WorkingDir}`, !isRoot);
}

/** A relative path starts at the directory before it; an empty one changes nothing. The config keeps an absolute one as written. */
export function setWorkdir(draft: StageDraft, path: string): void {
  const current = draft.image.config.WorkingDir || '/';
  const directory = path === '' ? current : posix.isAbsolute(path) ? path : resolvePath(current, path);
  draft.cwd = resolvePath('/', directory);
  draft.image.config.WorkingDir = directory;
}
