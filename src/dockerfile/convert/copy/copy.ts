import { errorMessage } from '../../../errors.ts';
import { type CopyAction, type FileAction, fileState, InputList, type State } from '../../../llb/index.ts';
import { redactUrls } from '../../../remote-url/index.ts';
import { stageError, syntaxError } from '../../errors.ts';
import { compilePatterns } from '../../ignore/index.ts';
import type { CopyInstruction } from '../../instructions/index.ts';
import { checkIgnored, checkOutside, checkSecretFile } from '../../lint/index.ts';
import type { Token } from '../../parser/ast.ts';
import type { SourceRange } from '../../position.ts';
import { nameStage, type StageCommand } from '../../stages/index.ts';
import { trimSpace } from '../../text.ts';
import { type Conversion, describe, expandContent, expandText, placeOf, type StageDraft } from '../draft.ts';
import { addHistory } from '../image/image.ts';
import { describeLine, nameStep, nameTree } from '../names.ts';
import { resolveDestination, resolvePath } from '../paths.ts';
import { layOver, numberRoot, refuseNamedOwner } from './link.ts';
import { parseCopyMode } from './mode.ts';
import { splitParents } from './parents.ts';
import { checkChecksum, remoteSource } from './remote.ts';

/** COPY and ADD: one file op, one action a source. */
export function convertCopy(
  conversion: Conversion,
  draft: StageDraft,
  instruction: CopyInstruction,
  command: StageCommand,
): void {
  const words = readWords(conversion, draft, instruction, command);
  const line = describeLine(draft, trimSpace(instruction.node.original), { escape: conversion.graph.escape });
  const name = nameStep(conversion, draft, line, command.isTrigger);
  const copy: Copy = { conversion, draft, instruction, command, words, name, inputs: new InputList() };
  const checksumPlace = placeOf(command, flagToken(instruction, '--checksum'));
  checkChecksum({ name, checksum: words.checksum }, words.sources.map(pathOf), checksumPlace);
  const from = findSource(conversion, draft, instruction, command);
  // With --chmod BuildKit copies onto the stage as without --link.
  const linked = instruction.link && words.chmod === '';
  if (linked) {
    const place = placeOf(command, flagToken(instruction, '--chown'));
    refuseNamedOwner(instruction.kind.toUpperCase(), words.owner, place);
  }
  const base = linked ? -1 : copy.inputs.add(draft.state);
  const actions = [
    ...words.sources.map((source) => copyRemote(copy, source) ?? copyPath(copy, from, source)),
    ...words.contents.map((file) => copyContent(copy, file)),
  ];
  const metadata = describe(conversion, name, command.range, draft.ignoreCache);
  const copied = fileState(copy.inputs.states, base, actions, { ...metadata, inputNames: copy.inputs.names });
  draft.state = linked ? layOver(draft.state, copied, metadata) : copied;
  addHistory(draft.image, showCopy(instruction, words), true);
}

/** One instruction while it is converted. */
interface Copy {
  readonly conversion: Conversion;
  readonly draft: StageDraft;
  readonly instruction: CopyInstruction;
  readonly command: StageCommand;
  readonly words: Words;
  /** Of the step. */
  readonly name: string;
  /** Of the op: each action adds what it copies from. */
  readonly inputs: InputList;
}

/** What an instruction says, with its variables replaced. */
interface Words {
  readonly owner: string;
  readonly chmod: string;
  readonly checksum: string;
  readonly sources: readonly Source[];
  readonly contents: readonly InlineFile[];
  readonly dest: string;
  /** What all its actions have. */
  readonly common: Pick<
    CopyAction,
    'type' | 'dest' | 'written' | 'owner' | 'mode' | 'modeChange' | 'excludePatterns' | 'createDestPath'
  >;
}

interface Source {
  readonly path: string;
  readonly token: Token;
}

interface InlineFile {
  readonly name: string;
  readonly data: string;
}

function readWords(
  conversion: Conversion,
  draft: StageDraft,
  instruction: CopyInstruction,
  command: StageCommand,
): Words {
  const text = (word: string, token?: Token): string => expandText(conversion, draft, word, placeOf(command, token));
  const owner = text(instruction.chown);
  const chmod = text(instruction.chmod);
  const sources = instruction.sources.map((token) => ({ path: text(token.value, token), token }));
  const dest = text(instruction.dest.value, instruction.dest);
  const contents = instruction.contents.map(({ name, data, expand }) => ({
    name,
    data: expand ? expandContent(conversion, draft, data, placeOf(command)) : data,
  }));
  const mode = parseCopyMode(chmod, placeOf(command, flagToken(instruction, '--chmod')));
  checkExcludes(instruction, command);
  const common = {
    type: 'copy',
    ...resolveDestination(draft.cwd, dest),
    ...(owner === '' ? {} : { owner: numberRoot(owner) }),
    ...mode,
    ...(instruction.excludes.length === 0 ? {} : { excludePatterns: instruction.excludes }),
    createDestPath: true,
  } as const;
  return { owner, chmod, checksum: text(instruction.checksum), sources, contents, dest, common };
}

function pathOf({ path }: Source): string {
  return path;
}

/** The action for a URL or a git repository; `undefined` for a path. */
function copyRemote(copy: Copy, source: Source): CopyAction | undefined {
  const { conversion, draft, instruction, command, words, name, inputs } = copy;
  const remote = remoteSource(conversion, draft, instruction, command, source, { name, checksum: words.checksum });
  if (remote === undefined) return undefined;
  const { state, ...action } = remote;
  return { ...words.common, input: inputs.add(state), ...action };
}

function copyPath(
  { conversion, instruction, command, words, inputs }: Copy,
  from: CopySource,
  source: Source,
): CopyAction {
  const { path, token } = source;
  const read = resolvePath('/', path);
  if (from.localContext !== undefined) {
    conversion.contexts.read(from.localContext, read);
    checkSource(conversion, from.localContext, { path, read }, placeOf(command, token));
  }
  return {
    ...words.common,
    input: inputs.add(from.state, from.treeName),
    ...(instruction.parents ? splitParents(path) : { src: read }),
    followSymlinks: true,
    dirCopyContents: true,
    allowWildcard: true,
    allowEmptyWildcard: true,
    attemptUnpack: instruction.kind === 'add' && instruction.unpack !== false,
  };
}

/** A heredoc becomes a tree of one file, so that it is copied by the same rules as any other source. */
function copyContent({ conversion, command, words, inputs }: Copy, { name, data }: InlineFile): CopyAction {
  const path = resolvePath('/', name);
  const file: FileAction = { type: 'mkfile', path, mode: 0o644, data };
  const metadata = describe(conversion, '[internal] preparing inline document', command.range);
  return {
    ...words.common,
    input: inputs.add(fileState([], -1, [file], metadata)),
    src: path,
    followSymlinks: false,
    dirCopyContents: false,
    allowWildcard: false,
    allowEmptyWildcard: false,
    attemptUnpack: false,
  };
}

/** The instruction as the history has it, which everybody gets who gets the image: without credentials of URLs. */
function showCopy({ kind, parents }: CopyInstruction, { owner, chmod, sources, contents, dest }: Words): string {
  const shown = [
    kind.toUpperCase(),
    ...(parents ? ['--parents'] : []),
    ...(owner === '' ? [] : [`--chown=${owner}`]),
    ...(chmod === '' ? [] : [`--chmod=${chmod}`]),
    ...sources.map(({ path }) => redactUrls(path)),
    ...contents.map((file) => `<<${file.name}`),
    dest,
  ];
  return `${shown.join(' ')} # buildkit`;
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

function flagToken(instruction: CopyInstruction, flag: string): Token | undefined {
  return instruction.node.flags.find((candidate) => candidate.value.startsWith(flag));
}
