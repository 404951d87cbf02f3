import type { CommandSpec } from '../command-spec.ts';
import { COMMANDS } from '../command-table.ts';
import { EXIT_CODES_HELP } from '../exit-codes.ts';
import { formatCommandHelp, formatPairs } from '../help-text.ts';
import type { Library } from '../library.ts';
import { GLOBAL_OPTIONS } from '../parse.ts';
import { findCommand, parseRoute } from '../route.ts';

export const command: CommandSpec = {
  name: 'help',
  usage: '[COMMAND | exit-codes | checks]',
  summary: 'Show help',
  examples: ['tsbuild help build', 'tsbuild help exit-codes', 'tsbuild help checks'],
  options: [],
  minArgs: 0,
  maxArgs: 3,
  completes: 'command',
  async run(context, args) {
    context.stdout.write(args[0] === 'checks' ? formatChecks(await context.library()) : await formatHelp(args));
  },
};

async function formatHelp(args: readonly string[]): Promise<string> {
  if (args[0] === 'exit-codes') return EXIT_CODES_HELP;
  if (args.length === 0) return formatOverview('');
  const entry = findCommand(args.join(' '));
  if (entry !== undefined) return formatCommandHelp({ ...(await entry.load()).command, name: args.join(' ') });
  // A group of commands, another spelling of one, or a word that is none: the router says what was meant.
  const route = parseRoute(args);
  return route.entry === undefined
    ? formatOverview(route.name)
    : formatCommandHelp({ ...(await route.entry.load()).command, name: route.name });
}

/** The rules of `build --check`. */
function formatChecks({ CHECK_RULES }: Library): string {
  const list = (isOwn: boolean): string =>
    formatPairs(
      CHECK_RULES.filter(({ own = false }) => own === isOwn).map(({ name, description, experimental }) => [
        name,
        experimental ? `${description} (experimental)` : description,
      ]),
    );
  return `Checks of 'tsbuild build --check', shown by every build as well.

Rules of BuildKit:
${list(false)}
Rules of tsbuild's own, which make error=true fail only where experimental= names them:
${list(true)}
# check=skip=Rule,Rule;error=true;experimental=Rule   at the top of a Dockerfile, "all" for all rules
# check=skip=Rule                                     above one instruction
--build-arg BUILDKIT_DOCKERFILE_CHECK=…               in place of the line at the top
`;
}

/** All commands, or those of a group (`image`). */
export function formatOverview(group: string): string {
  const rows: [string, string][] = COMMANDS.flatMap((entry): [string, string][] => {
    if (group === '') return [[entry.name, entry.summary]];
    if (entry.name.startsWith(`${group} `)) return [[entry.name, entry.summary]];
    const names = entry.aliases.filter((alias) => alias.startsWith(`${group} `));
    // What the router reads as another group.
    if (group === 'buildx' && entry.name.startsWith('builds '))
      names.push(entry.name.replace('builds', 'buildx history'));
    return names.map((name) => [name, entry.summary]);
  });
  const globals = GLOBAL_OPTIONS.map((option): [string, string] => [option.flags, option.description]);
  return `Usage: tsbuild ${group === '' ? '' : `${group} `}COMMAND [OPTIONS]

Builds container images from Dockerfiles without a daemon, and moves them between registries.

Commands:
${formatPairs(rows)}
Options of every command:
${formatPairs([...globals, ['-h, --help', 'Show help'], ['-v, --version', 'Show the version']])}
Environment:
${formatPairs([
  ['TSBUILD_ROOT', 'directory of the store'],
  ['BUILDKIT_PROGRESS', 'how to show progress: auto, tty, plain, quiet, rawjson, none'],
  ['NO_COLOR', 'no colours'],
])}
Run 'tsbuild COMMAND --help' for one command, 'tsbuild help exit-codes' for what exit codes mean,
'tsbuild help checks' for the rules of build --check.
`;
}
