import type { CopyAction, State } from '../../llb/index.ts';
import { syntaxError, unsupportedError } from '../errors.ts';
import type { CopyInstruction } from '../instructions/index.ts';
import type { Token } from '../parser/ast.ts';
import type { StageCommand } from '../stages/index.ts';
import { type Conversion, placeOf, type StageDraft } from './draft.ts';

const GIT_URL = /^(?:git|ssh|git\+\w+):\/\/|^[\w.-]+@[\w.-]+:|^https?:\/\/[^?#]*\.git(?:[?#/]|$)/;
const HTTP_URL = /^https?:\/\//;

/** What a URL as the source of ADD becomes: the tree that a source op gives, and how it is copied. */
export type RemoteSource = { readonly state: State } & Pick<
  CopyAction,
  | 'src'
  | 'followSymlinks'
  | 'dirCopyContents'
  | 'allowWildcard'
  | 'allowEmptyWildcard'
  | 'attemptUnpack'
  | 'excludePatterns'
>;

/** ADD of a URL or of a git repository; `undefined` for a path. */
export function remoteSource(
  _conversion: Conversion,
  _draft: StageDraft,
  instruction: CopyInstruction,
  command: StageCommand,
  { path, token }: { readonly path: string; readonly token: Token },
): RemoteSource | undefined {
  const what = GIT_URL.test(path) ? 'git repository' : HTTP_URL.test(path) ? 'URL' : undefined;
  if (what === undefined) return undefined;
  const range = placeOf(command, token);
  if (instruction.kind === 'copy')
    throw syntaxError(`the source of COPY cannot be a ${what}`, range, 'ADD can fetch it');
  throw unsupportedError(`ADD of a ${what}`, range);
}
