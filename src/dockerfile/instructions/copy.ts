import { syntaxError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import { chompTabs, isHeredocMark, parseHeredocMark } from '../parser/heredoc.ts';
import type { InstructionNode } from '../parser/index.ts';
import { type FlagKind, parseFlags } from './flags.ts';
import type { CopyInstruction, InlineFile } from './types.ts';

const COMMON_FLAGS: Readonly<Record<string, FlagKind>> = {
  chown: 'string',
  chmod: 'string',
  link: 'bool',
  exclude: 'strings',
};
const COPY_FLAGS: Readonly<Record<string, FlagKind>> = { ...COMMON_FLAGS, from: 'string', parents: 'bool' };
const ADD_FLAGS: Readonly<Record<string, FlagKind>> = {
  ...COMMON_FLAGS,
  'keep-git-dir': 'bool',
  checksum: 'string',
  unpack: 'bool',
};

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const NO_HEREDOCS: ReadonlyMap<string, string> = new Map();

export function parseCopy(node: InstructionNode, kind: 'copy' | 'add'): CopyInstruction {
  const keyword = kind.toUpperCase();
  const dest = node.args.at(-1);
  if (dest === undefined || node.args.length < 2)
    throw syntaxError(`${keyword} requires at least two arguments, a source and a destination`, node.range);
  const flags = parseFlags(node, kind === 'copy' ? COPY_FLAGS : ADD_FLAGS);
  if (isHeredocMark(dest.value)) throw syntaxError(`${keyword} cannot have a heredoc as its destination`, dest.range);
  const sources: Token[] = [];
  const contents: InlineFile[] = [];
  // The last of a name, as in BuildKit.
  const heredocs =
    node.heredocs.length === 0 ? NO_HEREDOCS : new Map(node.heredocs.map((heredoc) => [heredoc.name, heredoc.content]));
  for (const source of node.args.slice(0, -1)) {
    if (isHeredocMark(source.value)) contents.push(findContent(heredocs, source));
    else sources.push(source);
  }
  const from = flags.token('from');
  const keepGitDir = flags.bool('keep-git-dir');
  const unpack = flags.bool('unpack');
  // Members are added one by one: a spread for each costs more than all the rest, and files have thousands of these.
  const copy: Mutable<CopyInstruction> = {
    kind,
    node,
    sources,
    contents,
    dest,
    chown: flags.text('chown'),
    chmod: flags.text('chmod'),
    link: flags.bool('link') ?? false,
    parents: flags.bool('parents') ?? false,
    excludes: flags.all('exclude').map((token) => token.value),
    checksum: flags.text('checksum'),
  };
  if (from !== undefined && from.value !== '') copy.from = from;
  if (keepGitDir !== undefined) copy.keepGitDir = keepGitDir;
  if (unpack !== undefined) copy.unpack = unpack;
  return copy;
}

function findContent(heredocs: ReadonlyMap<string, string>, source: Token): InlineFile {
  const mark = parseHeredocMark(source.value);
  const name = mark?.name ?? '';
  const content = heredocs.get(name) ?? '';
  return { name, data: mark?.chomp ? chompTabs(content) : content, expand: mark?.expand ?? false };
}
