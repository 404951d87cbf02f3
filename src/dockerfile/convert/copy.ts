import { errorMessage } from '../../errors.ts';
import { type CopyAction, type FileAction, fileState, InputList, type State } from '../../llb/index.ts';
import { stageError, syntaxError, unsupportedError } from '../errors.ts';
import { compilePatterns } from '../ignore/index.ts';
import type { CopyInstruction } from '../instructions/index.ts';
import { checkIgnored, checkOutside, checkSecretFile } from '../lint/index.ts';
import type { Token } from '../parser/ast.ts';
import type { SourceRange } from '../position.ts';
import { nameStage, type StageCommand } from '../stages/index.ts';
import { trimSpace } from '../text.ts';
import { parseCopyMode } from './copy-mode.ts';
import { splitParents } from './copy-parents.ts';
import { type Conversion, describe, expandContent, expandText, placeOf, type StageDraft } from './draft.ts';
import { addHistory } from './image.ts';
import { layOver, numberRoot, refuseNamedOwner } from './link.ts';
import { describeLine, nameStep, nameTree } from './names.ts';
import { resolveDestination, resolvePath } from './paths.ts';
import { checkChecksum, remoteSource } from './remote.ts';

/** COPY and ADD: one file op, one action a source. */
export function convertCopy(
  conversion: Conversion,
  draft: StageDraft,
  instruction: CopyInstruction,
  command: StageCommand,
): void {
  refuseUnsupported(instruction, command);
  const text = (word: string, token?: { readonly range: SourceRange }): string =>
    expandText(conversion, draft, word, placeOf(command, token));
  const owner = text(instruction.chown);
  const chmod = text(instruction.chmod);
  const sources = instruction.sources.map((token) => ({ path: text(token.value, token), token }));
  const dest = text(instruction.dest.value, instruction.dest);
  const contents = instruction.contents.map((file) => ({
    ...file,
    data: file.expand ? expandContent(conversion, draft, file.data, placeOf(command)) : file.data,
  }));
  const mode = parseCopyMode(chmod, placeOf(command, flagToken(instruction, '--chmod')));
  checkExcludes(instruction, command);
  const line = describeLine(draft, trimSpace(instruction.node.original), { escape: conversion.graph.escape });
  const name = nameStep(conversion, draft, line, command.isTrigger);

  const remoteOptions = { name, checksum: text(instruction.checksum) };
  const paths = sources.map(({ path }) => path);
  checkChecksum(remoteOptions, paths, placeOf(command, flagToken(instruction, '--checksum')));

  const from = findSource(conversion, draft, instruction, command);
  const common = {
    type: 'copy',
    dest: resolveDestination(draft.cwd, dest),
    ...(owner === '' ? {} : { owner: numberRoot(owner) }),
    ...mode,
    ...(instruction.excludes.length === 0 ? {} : { excludePatterns: instruction.excludes }),
    createDestPath: true,
  } as const;
  const inputs = new InputList();
  // With --chmod BuildKit copies onto the stage as without --link.
  const linked = instruction.link && chmod === '';
  if (linked)
    refuseNamedOwner(instruction.kind.toUpperCase(), owner, placeOf(command, flagToken(instruction, '--chown')));
  const base = linked ? -1 : inputs.add(draft.state);
  const actions: CopyAction[] = [];
  for (const { path, token } of sources) {
    const remote = remoteSource(conversion, draft, instruction, command, { path, token }, remoteOptions);
    if (remote !== undefined) {
      const { state, ...action } = remote;
      actions.push({ ...common, input: inputs.add(state), ...action });
      continue;
    }
    const read = resolvePath('/', path);
    if (from.localContext !== undefined) {
      conversion.contexts.read(from.localContext, read);
      checkSource(conversion, from.localContext, { path, read }, placeOf(command, token));
    }
    actions.push({
      ...common,
      input: inputs.add(from.state, from.treeName),
      ...(instruction.parents ? splitParents(path) : { src: read }),
      followSymlinks: true,
      dirCopyContents: true,
      allowWildcard: true,
      allowEmptyWildcard: true,
      attemptUnpack: instruction.kind === 'add' && instruction.unpack !== false,
    });
  }
  for (const file of contents)
    actions.push({
      ...common,
      input: inputs.add(makeInlineFile(conversion, file.name, file.data, command)),
      src: resolvePath('/', file.name),
      followSymlinks: false,
      dirCopyContents: false,
      allowWildcard: false,
      allowEmptyWildcard: false,
      attemptUnpack: false,
    });
  const metadata = describe(conversion, name, command.range, draft.ignoreCache);
  const copied = fileState(inputs.states, base, actions, { ...metadata, inputNames: inputs.names });
  draft.state = linked ? layOver(draft.state, copied, metadata) : copied;
  const shown = [
    instruction.kind.toUpperCase(),
    ...(instruction.parents ? ['--parents'] : []),
    ...(owner === '' ? [] : [`--chown=${owner}`]),
    ...(chmod === '' ? [] : [`--chmod=${chmod}`]),
    ...paths,
    ...contents.map((file) => `<<${file.name}`),
    dest,
  ];
  addHistory(draft.image, `${shown.join(' ')} # buildkit`, true);
}

/** What the checks have to say of a path of a context; the ignore file is the main one's. */
function checkSource(
  { lint, request, explainIgnored }: Conversion,
  context: string,
  { path, read }: { readonly path: string; readonly read: string },
  token: SourceRange,
): void {
  checkOutside(lint, path, read, token);
  checkSecretFile(lint, path, context === 'context' ? request.readContextFile : undefined, token);
  if (context === 'context' && explainIgnored !== undefined && request.ignoreFile !== undefined)
    checkIgnored(lint, path, explainIgnored, request.ignoreFile.name, token);
}

interface CopySource {
  readonly state: State | undefined;
  /** The context whose paths are read. */
  readonly localContext: string | undefined;
  /** What messages call it; the main context has no name. */
  readonly treeName?: string;
}

function findSource(
  conversion: Conversion,
  draft: StageDraft,
  instruction: CopyInstruction,
  command: StageCommand,
): CopySource {
  const [stage] = command.sources;
  if (stage === undefined) {
    const localContext = 'context';
    return instruction.sources.length === 0
      ? { state: undefined, localContext: undefined }
      : { state: conversion.contexts.state(localContext), localContext };
  }
  const source = conversion.drafts.get(stage);
  if (source === undefined || source === draft)
    throw stageError(
      `cannot copy from stage ${nameStage(stage)}: it must be defined before this stage`,
      placeOf(command, instruction.from),
    );
  return { state: source.state, localContext: source.localContext, treeName: nameTree(source) };
}

/** A heredoc becomes a tree of one file, so that it is copied by the same rules as any other source. */
function makeInlineFile(conversion: Conversion, name: string, data: string, command: StageCommand): State {
  const action: FileAction = { type: 'mkfile', path: resolvePath('/', name), mode: 0o644, data };
  return fileState([], -1, [action], describe(conversion, '[internal] preparing inline document', command.range));
}

/** Says where a pattern is that cannot be read. Throws `DOCKERFILE_SYNTAX`. */
function checkExcludes(instruction: CopyInstruction, command: StageCommand): void {
  for (const pattern of instruction.excludes) {
    try {
      compilePatterns([pattern]);
    } catch (error) {
      const token = instruction.node.flags.find(({ value }) => value === `--exclude=${pattern}`);
      throw syntaxError(errorMessage(error), placeOf(command, token ?? flagToken(instruction, '--exclude')));
    }
  }
}

function refuseUnsupported(instruction: CopyInstruction, command: StageCommand): void {
  const keyword = instruction.kind.toUpperCase();
  const flags: readonly [string, boolean][] = [];
  for (const [flag, used] of flags) {
    if (!used) continue;
    throw unsupportedError(`${keyword} ${flag}`, placeOf(command, flagToken(instruction, flag)));
  }
}

function flagToken(instruction: CopyInstruction, flag: string): Token | undefined {
  return instruction.node.flags.find((candidate) => candidate.value.startsWith(flag));
}
