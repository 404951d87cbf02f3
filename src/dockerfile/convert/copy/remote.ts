import { type CopyAction, type State, sourceState } from '../../../llb/index.ts';
import { parseDigest } from '../../../oci/index.ts';
import {
  fileNameOf,
  type GitUrl,
  gitSourceOp,
  httpSourceOp,
  isGitUrl,
  isHttpUrl,
  parseGitUrl,
} from '../../../remote-url/index.ts';
import { DockerfileError, syntaxError } from '../../errors.ts';
import type { CopyInstruction } from '../../instructions/index.ts';
import type { Token } from '../../parser/ast.ts';
import type { SourceRange } from '../../position.ts';
import type { StageCommand } from '../../stages/index.ts';
import { type Conversion, describe, placeOf, type StageDraft } from '../draft.ts';
import type { SourceContext } from '../types.ts';

/** What a URL as the source of ADD becomes: the tree that a source op gives, and how it is copied. */
export type RemoteSource = { readonly state: State } & Pick<
  CopyAction,
  'src' | 'followSymlinks' | 'dirCopyContents' | 'allowWildcard' | 'allowEmptyWildcard' | 'attemptUnpack'
>;

/** What an instruction says about its remote sources, expanded. */
export interface RemoteOptions {
  /** Of the step, which fetching is a part of. */
  readonly name: string;
  /** `--checksum`; empty when there is none. */
  readonly checksum: string;
}

/** Whether ADD fetches a source, rather than to look for it in the context. */
function isRemote(path: string): boolean {
  const isLocalName = path.startsWith('github.com/');
  return isHttpUrl(path) || (isGitUrl(path) && !isLocalName);
}

/** What BuildKit asks of `--checksum`: one source, and that a remote one. */
export function checkChecksum({ checksum }: RemoteOptions, paths: readonly string[], range: SourceRange): void {
  if (checksum === '') return;
  if (paths.length !== 1)
    throw syntaxError('--checksum is for one source, and there are several', range, 'give each an ADD of its own');
  if (!paths.every(isRemote))
    throw syntaxError('--checksum is for http(s) and git sources, not for files of the context', range);
}

/** ADD of a URL or of a git repository; `undefined` for a path. */
export function remoteSource(
  conversion: Conversion,
  draft: StageDraft,
  instruction: CopyInstruction,
  command: StageCommand,
  { path, token }: { readonly path: string; readonly token: Token },
  options: RemoteOptions,
): RemoteSource | undefined {
  if (!isRemote(path)) return undefined;
  const range = placeOf(command, token);
  if (instruction.kind === 'copy') {
    const what = isGitUrl(path) ? 'git repository' : 'URL';
    throw syntaxError(`the source of COPY cannot be a ${what}`, range, 'ADD can fetch it');
  }
  const metadata = describe(conversion, options.name, command.range, draft.ignoreCache);
  const copy = { followSymlinks: false, allowWildcard: false, allowEmptyWildcard: false } as const;
  const { filename, ...op } = fetchOp(path, instruction, options.checksum, range);
  const state = sourceState(op, metadata);
  if (filename === undefined) return { ...copy, state, src: '/', dirCopyContents: true, attemptUnpack: false };
  return { ...copy, state, src: `/${filename}`, dirCopyContents: false, attemptUnpack: instruction.unpack === true };
}

/** A source op; of a download also what its one file is called. */
interface FetchOp extends Pick<SourceContext, 'identifier' | 'attrs'> {
  readonly filename?: string;
}

/** The source op of what ADD fetches; `undefined` for a path. */
export function remoteOp(
  path: string,
  flags: Pick<CopyInstruction, 'keepGitDir'>,
  checksum: string,
  range: SourceRange,
): FetchOp | undefined {
  return isRemote(path) ? fetchOp(path, flags, checksum, range) : undefined;
}

function fetchOp(
  path: string,
  flags: Pick<CopyInstruction, 'keepGitDir'>,
  checksum: string,
  range: SourceRange,
): FetchOp {
  const git = parseGit(path, range);
  if (git !== undefined) return gitSourceOp(settleGit(git, flags, checksum, range));
  // Always by this name, whatever the server calls it.
  const filename = fileNameOf(path) ?? UNNAMED;
  const expected = checksum === '' ? {} : { checksum: parseChecksum(checksum, range) };
  return { ...httpSourceOp(path, { filename, ...expected }), filename };
}

/** The file of a URL without a path, as BuildKit calls it. */
const UNNAMED = '__unnamed__';

function parseGit(path: string, range: SourceRange): GitUrl | undefined {
  try {
    return parseGitUrl(path);
  } catch (error) {
    if (!(error instanceof Error && 'hint' in error)) throw error;
    throw syntaxError(error.message, range, typeof error.hint === 'string' ? error.hint : undefined);
  }
}

/** The flags and the URL may say the same, and must not contradict each other. */
function settleGit(
  url: GitUrl,
  { keepGitDir }: Pick<CopyInstruction, 'keepGitDir'>,
  checksum: string,
  range: SourceRange,
): GitUrl {
  if (keepGitDir !== undefined && url.keepGitDir !== undefined && keepGitDir !== url.keepGitDir)
    throw syntaxError(`--keep-git-dir=${keepGitDir} contradicts the URL`, range);
  if (checksum !== '' && url.checksum !== undefined && checksum !== url.checksum)
    throw syntaxError(`--checksum=${checksum} contradicts the URL`, range);
  if (checksum !== '' && !/^[0-9a-fA-F]{1,64}$/.test(checksum))
    throw syntaxError(
      `--checksum=${checksum} is no commit`,
      range,
      'of a git repository it is a commit, or how one begins',
    );
  const keep = keepGitDir ?? url.keepGitDir;
  return {
    ...url,
    ...(keep === undefined ? {} : { keepGitDir: keep }),
    ...(checksum === '' ? {} : { checksum }),
  };
}

function parseChecksum(text: string, range: SourceRange): string {
  const hint = 'of a file it is sha256: and 64 hexadecimal digits, as sha256sum prints them';
  if (!text.startsWith('sha256:')) throw syntaxError(`--checksum=${text} is no sha256 digest`, range, hint);
  try {
    return parseDigest(text);
  } catch (error) {
    throw new DockerfileError('DOCKERFILE_SYNTAX', `--checksum=${text} is no sha256 digest`, {
      range,
      hint,
      cause: error,
    });
  }
}
