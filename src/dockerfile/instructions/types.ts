import type { HealthConfig } from '../../oci/index.ts';
import type { Token } from '../parser/ast.ts';
import type { InstructionNode } from '../parser/index.ts';
import type { SourceRange } from '../position.ts';
import type { DeviceFlag } from './device.ts';

/** What every instruction has. Texts are as written: variables are replaced when the instruction is converted. */
interface Base {
  /** It knows its place, which is worked out when it is asked: few are, and a large file has many. */
  readonly node: InstructionNode;
}

export interface FromInstruction extends Base {
  readonly kind: 'from';
  readonly base: Token;
  /** Lower case. */
  readonly stageName?: string;
  readonly platform?: Token;
  /** The comment `# <stage name> …` above. */
  readonly description?: string;
}

export interface ArgInstruction extends Base {
  readonly kind: 'arg';
  readonly args: readonly ArgDefinition[];
}

export interface ArgDefinition {
  readonly name: string;
  readonly value?: string;
  readonly description?: string;
  readonly range: SourceRange;
}

export interface PairsInstruction extends Base {
  readonly kind: 'env' | 'label';
  readonly pairs: readonly { readonly key: string; readonly value: string; readonly range: SourceRange }[];
}

/** COPY and ADD. */
export interface CopyInstruction extends Base {
  readonly kind: 'copy' | 'add';
  readonly sources: readonly Token[];
  readonly contents: readonly InlineFile[];
  readonly dest: Token;
  readonly from?: Token;
  readonly chown: string;
  readonly chmod: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly excludes: readonly string[];
  readonly checksum: string;
  readonly keepGitDir?: boolean;
  readonly unpack?: boolean;
}

/** A heredoc as a source of COPY or ADD. */
export interface InlineFile {
  readonly name: string;
  readonly data: string;
  readonly expand: boolean;
}

export interface CommandLine {
  readonly args: readonly string[];
  /** Shell form: the shell is put in front. */
  readonly shell: boolean;
}

export interface RunInstruction extends Base {
  readonly kind: 'run';
  readonly command: CommandLine;
  readonly mounts: readonly Token[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  readonly devices: readonly DeviceFlag[];
}

export interface CommandInstruction extends Base {
  readonly kind: 'cmd' | 'entrypoint';
  readonly command: CommandLine;
}

export interface HealthcheckInstruction extends Base {
  readonly kind: 'healthcheck';
  readonly health: HealthConfig;
}

export interface ShellInstruction extends Base {
  readonly kind: 'shell';
  readonly shell: readonly string[];
}

/** Instructions of one text. */
export interface TextInstruction extends Base {
  readonly kind: 'user' | 'workdir' | 'stopsignal' | 'maintainer';
  readonly value: Token;
}

/** Instructions of a list of texts. */
export interface ListInstruction extends Base {
  readonly kind: 'expose' | 'volume';
  readonly values: readonly Token[];
}

export interface OnbuildInstruction extends Base {
  readonly kind: 'onbuild';
  /** The trigger's source, heredocs included, as it is kept in the image. */
  readonly expression: string;
}

/** What a stage is made of. */
export type StageInstruction =
  | ArgInstruction
  | PairsInstruction
  | CopyInstruction
  | RunInstruction
  | CommandInstruction
  | HealthcheckInstruction
  | ShellInstruction
  | TextInstruction
  | ListInstruction
  | OnbuildInstruction;

export type Instruction = FromInstruction | StageInstruction;

export interface Stage {
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}
