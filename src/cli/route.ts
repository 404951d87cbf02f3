import { suggest } from '../suggest.ts';
import { COMMANDS, type CommandEntry } from './command-table.ts';
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

const NO_BUILDERS = 'there are no builders: each command works by itself';

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

/** Commands of docker that are called otherwise here, or have nothing to work on. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'system events': 'nothing goes on that nobody started: a build tells what it does while it runs (--progress rawjson)',
  'system info': "'tsbuild version' shows versions, 'tsbuild system df' what the store takes",
  'builds import':
    "records are of this store's own builds: 'tsbuild builds export' writes an archive that tar and OCI tools read",
  'builds open':
    "there is no Docker Desktop to open it in: 'tsbuild builds inspect' shows it, 'tsbuild builds trace' writes a trace",
  'buildx bake': "'tsbuild build' builds one target",
  'buildx create': NO_BUILDERS,
  'buildx inspect': NO_BUILDERS,
  'buildx ls': NO_BUILDERS,
  'buildx rm': NO_BUILDERS,
  'buildx stop': NO_BUILDERS,
  'buildx use': NO_BUILDERS,
};

function unknownCommand(name: string, group?: string): Error {
  if (Object.hasOwn(ELSEWHERE, name)) return usageError(`unknown command: tsbuild ${name}`, ELSEWHERE[name]);
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
