import type { Platform } from '../../oci/index.ts';
import type { StageInstruction } from '../instructions/index.ts';
import type { Linter } from '../lint/linter.ts';
import type { Token } from '../parser/index.ts';
import type { SourceRange } from '../position.ts';
import type { ContextScope } from './context-stages.ts';

/** A stage of the file, or an image or context that some step reads as if it were one. */
export interface BuildStage {
  /** Its place in the file; `undefined` for what only `--from` names. */
  readonly index: number | undefined;
  /** `AS name`, lower case; empty when it has none. */
  readonly name: string;
  /** For vertex names: the name, or `stage-<index>`; empty where there is one stage only. */
  displayName: string;
  /** What it starts from, variables replaced: an image, a stage, `scratch`. */
  readonly baseName: string;
  /** The stage that it starts from. */
  base: BuildStage | undefined;
  /** `--platform`, variables replaced. */
  readonly platform: Platform | undefined;
  /** The FROM line as it was read, or what names the image. */
  readonly source: string;
  readonly range: SourceRange;
  /** The comments above its FROM. */
  readonly comments: readonly Token[];
  /** Where its base is named. */
  readonly baseRange: SourceRange;
  /** A named context stands in for the whole stage. */
  readonly replaced: boolean;
  /** Its steps; ONBUILD triggers of the base are put in front when the base is known. */
  commands: readonly StageCommand[];
  /** Vertices that its steps make: the `n` of `[build 2/n]`. */
  stepCount: number;
  /** Stages that its steps read, each with the step. */
  readonly dependencies: Map<BuildStage, SourceRange>;
}

export interface StageCommand {
  readonly instruction: StageInstruction;
  /** What `COPY --from` reads, or each RUN mount in order; `undefined` is the build context or nothing. */
  readonly sources: readonly (BuildStage | undefined)[];
  /** It came from an ONBUILD trigger of the base. */
  readonly isTrigger: boolean;
  /** Where an error of it is shown; a trigger's is its FROM line. */
  readonly range: SourceRange;
}

export interface StageGraph extends ContextScope {
  /** The stages of the file in order, then those that `--from` names. */
  readonly stages: BuildStage[];
  readonly byName: ReadonlyMap<string, BuildStage>;
  /** What `--from` names and is no stage, by that name. */
  readonly images: Map<string, BuildStage>;
  readonly target: BuildStage;
  /** ARG before the first FROM and the platform arguments. */
  readonly globalArgs: ReadonlyMap<string, string>;
  readonly escape: '\\' | '`';
}

/** What stands in for a name; of one of the type `stage` (`target:<stage>`) `name` is the stage's, in lower case. */
export type ContextFinder = (
  name: string,
  platform: Platform,
) => { readonly type: string; readonly name?: string } | undefined;

export interface StageOptions {
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly targetPlatform: Platform;
  readonly buildPlatform: Platform;
  /** What `SOURCE_DATE_EPOCH` is, where an ARG before the first FROM sets it by a name. */
  readonly sourceDateEpoch?: string;
  /** What the checks of FROM tell; without it they are not made. */
  readonly lint?: Linter;
  /** The `--build-context` that stands in for what a name means. */
  readonly findContext?: ContextFinder;
}
