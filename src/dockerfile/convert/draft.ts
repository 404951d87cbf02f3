import type { EnvList, OpMetadata, State } from '../../llb/index.ts';
import type { Platform } from '../../oci/index.ts';
import { syntaxError } from '../errors.ts';
import { checkUnsetVariable, type IgnoreExplainer, type LastPlaces, type Linter } from '../lint/index.ts';
import type { SourceRange } from '../position.ts';
import { type Expansion, expand } from '../shell/index.ts';
import type { BuildStage, StageCommand, StageGraph } from '../stages/index.ts';
import type { ContextReads } from './context-reads.ts';
import type { ImageDraft } from './image/image.ts';
import type { NamedContexts } from './named-contexts.ts';
import type { ConvertRequest } from './types.ts';

/** BuildKit reads these itself; they are no variables of the build. */
export const NOT_IN_ENV: ReadonlySet<string> = new Set(['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']);

/** What the conversion of one Dockerfile shares. */
export interface Conversion {
  readonly request: ConvertRequest;
  readonly graph: StageGraph;
  readonly contexts: ContextReads;
  readonly named: NamedContexts;
  /** Stages that are done, in the order in which steps may read them. */
  readonly drafts: Map<BuildStage, StageDraft>;
  /** Of the instruction that is converted, or of the whole file. */
  readonly lint: Linter;
  /** What the ignore file of the main context leaves out, where there is one. */
  readonly explainIgnored: IgnoreExplainer | undefined;
}

/** A stage while its instructions are converted, one after the other. */
export interface StageDraft {
  readonly stage: BuildStage;
  readonly platform: Platform;
  readonly image: ImageDraft;
  /** The file tree so far; `undefined` is empty. */
  state: State | undefined;
  /** The variables of the build: ENV and ARG, the one set last at the end. */
  env: EnvList;
  /** Names of variables that this stage has set, the one set last at the end. */
  readonly touched: Set<string>;
  cwd: string;
  user: string;
  /** ARG so far, here and in the stages below, each at its first place with its last value; for the history of RUN. */
  buildArgs: EnvList;
  /** CMD was given in this file: a later ENTRYPOINT keeps it. */
  cmdSet: boolean;
  /** A WORKDIR of this file came before, here or in a stage below. */
  workdirSet: boolean;
  /** The instructions of this stage of which only the last counts. */
  readonly lastPlaces: LastPlaces;
  readonly ignoreCache: boolean;
  /** Steps named so far. */
  stepIndex: number;
  /** The whole tree is this local context, unchanged. */
  readonly localContext: string | undefined;
}

/** The last ARG or ENV wins, and moves to the end. */
export function setBuildEnv(draft: StageDraft, name: string, value: string): void {
  draft.env = draft.env.append(name, value);
  draft.touched.delete(name);
  draft.touched.add(name);
}

/** Replaces the variables of a word of an instruction. Names that are not set become a warning. */
export function expandText(conversion: Conversion, draft: StageDraft, word: string, range: SourceRange): string {
  const expansion = expandOrLocate(word, draft, range, conversion.graph.escape);
  warnUnset(conversion, draft, expansion, range);
  return expansion.result;
}

/** As `expandText`, split into words; as in BuildKit (it is for EXPOSE) nothing is said of names that are not set. */
export function expandList(
  conversion: Conversion,
  draft: StageDraft,
  word: string,
  range: SourceRange,
): readonly string[] {
  return expandOrLocate(word, draft, range, conversion.graph.escape).words;
}

/** The content of a heredoc: only variables are special, quotes are text, `\` escapes whatever the file's character is. */
export function expandContent(conversion: Conversion, draft: StageDraft, data: string, range: SourceRange): string {
  const expansion = expandOrLocate(data, draft, range, '\\', true);
  warnUnset(conversion, draft, expansion, range);
  return expansion.result;
}

/** A vertex's metadata: its name and where it came from. */
export function describe(conversion: Conversion, name: string, range: SourceRange, ignoreCache = false): OpMetadata {
  return {
    name,
    source: { file: conversion.request.fileName, start: range.start, end: range.end },
    ...(ignoreCache ? { ignoreCache } : {}),
  };
}

/** Where errors of a command are shown: its own token, or for a trigger the FROM that brought it in. */
export function placeOf(command: StageCommand, token?: { readonly range: SourceRange }): SourceRange {
  return command.isTrigger ? command.range : (token?.range ?? command.range);
}

function expandOrLocate(
  word: string,
  draft: StageDraft,
  range: SourceRange,
  escapeChar: string,
  ignoreQuotes = false,
): Expansion {
  try {
    return expand(word, draft.env, { escape: escapeChar, ignoreQuotes });
  } catch (error) {
    throw syntaxError(error instanceof Error ? error.message : String(error), range);
  }
}

function warnUnset(conversion: Conversion, draft: StageDraft, expansion: Expansion, range: SourceRange): void {
  for (const name of expansion.unmatched) {
    if (NOT_IN_ENV.has(name) || draft.buildArgs.has(name)) continue;
    checkUnsetVariable(conversion.lint, name, draft.env.keys(), range);
  }
}
