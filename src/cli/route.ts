import { suggest } from '../suggest.ts';
import { COMMANDS, type CommandEntry } from './command-table.ts';
import { ELSEWHERE } from './elsewhere.ts';
import { usageError } from './usage-errors.ts';

/** A command line, split at its verb. */
export interface Route {
  /** `undefined`: none was named, which shows the overview. */
  readonly entry: CommandEntry | undefined;
  /** The words that named it. */
  readonly name: string;
  readonly args: readonly string[];
  readonly root: string | undefined;
  readonly debug: boolean;
  /** `--version` instead of a command. */
  readonly version: boolean;
  readonly help: boolean;
}

/** First words that need a second one. */
const GROUPS = new Set(['image', 'buildx', 'builder', 'context', 'cache-mount', 'builds', 'system']);

/** Finds the command and the flags before it, without loading anything. Throws `USAGE`. */
export function parseRoute(argv: readonly string[]): Route {
  let root: string | undefined;
  let [debug, version, help] = [false, false, false];
  let at = 0;
  for (; at < argv.length; at++) {
    const arg = argv[at] ?? '';
    if (!arg.startsWith('-') || arg === '-') break;
    if (arg === '-D' || arg === '--debug') debug = true;
    else if (arg === '-v' || arg === '--version') version = true;
    else if (arg === '-h' || arg === '--help') help = true;
    else if (arg.startsWith('--root=')) root = arg.slice('--root='.length);
    else if (arg === '--root') {
      root = argv[++at];
      if (root === undefined) throw usageError('--root needs a directory', SEE_HELP);
    } else throw unknownFlag(arg);
  }
  const common = { root, debug, version, help };
  const words = renameHistory(argv.slice(at));
  if (words.length === 0) return { ...common, entry: undefined, name: '', args: [] };
  const [first = '', second] = words;
  if (GROUPS.has(first)) {
    // `buildx --push .` builds, as `buildx build` does.
    if (first === 'buildx' && second?.startsWith('-') && !isHelp(second))
      return { ...common, entry: findCommand('build'), name: 'build', args: words.slice(1) };
    if (second === undefined || isHelp(second))
      return { ...common, entry: undefined, name: first, args: [], help: true };
    // `builds --root DIR ls`: flags of every command may stand here too.
    if (second.startsWith('-')) {
      const flags = words.slice(1, second === '--root' ? 3 : 2);
      if (second === '--root' && flags.length < 2) throw usageError('--root needs a directory', SEE_HELP);
      return parseRoute([...argv.slice(0, at), ...flags, first, ...words.slice(1 + flags.length)]);
    }
    const name = `${first} ${second}`;
    const entry = findCommand(name);
    if (entry === undefined) throw unknownCommand(name, first);
    return { ...common, entry, name, args: words.slice(2) };
  }
  const entry = findCommand(first);
  if (entry === undefined) throw unknownCommand(first);
  return { ...common, entry, name: first, args: words.slice(1) };
}

/** What buildx calls `buildx history`, and we `builds`: `history` is that of an image. */
function renameHistory(words: readonly string[]): readonly string[] {
  const named = words[0] === 'buildx' && words[1] === 'history' ? ['builds', ...words.slice(2)] : words;
  const isAttachment = named[0] === 'builds' && named[1] === 'inspect' && named[2] === 'attachment';
  return isAttachment ? ['builds', ...named.slice(2)] : named;
}

export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((entry) => entry.name === name || entry.aliases.includes(name));
}

const SEE_HELP = "see 'tsbuild --help'";

function isHelp(word: string): boolean {
  return word === '-h' || word === '--help';
}

function unknownCommand(name: string, group?: string): Error {
  const instead = ELSEWHERE.get(name);
  if (instead !== undefined) return usageError(`unknown command: tsbuild ${name}`, instead);
  const names = COMMANDS.flatMap((entry) => [entry.name, ...entry.aliases]);
  const near = suggest(name, group === undefined ? names : names.filter((known) => known.startsWith(`${group} `)));
  return usageError(
    `unknown command: tsbuild ${name}`,
    near === undefined ? SEE_HELP : `did you mean 'tsbuild ${near}'?`,
  );
}

function unknownFlag(flag: string): Error {
  const near = suggest(flag, ['--root', '--debug', '--version', '--help']);
  return usageError(`unknown flag: ${flag}`, near === undefined ? SEE_HELP : `did you mean ${near}?`);
}
