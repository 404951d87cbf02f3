import type { CommandSpec } from '../command-spec.ts';
import { COMMANDS } from '../command-table.ts';
import { EXIT_CODES_HELP } from '../exit-codes.ts';
import { formatCommandHelp, formatPairs } from '../help-text.ts';
import { GLOBAL_OPTIONS } from '../parse.ts';
import { findCommand, parseRoute } from '../route.ts';

export const command: CommandSpec = {
  name: 'help',
  usage: '[COMMAND | exit-codes]',
  summary: 'Show help',
  examples: ['tsbuild help build', 'tsbuild help exit-codes'],
  options: [],
  minArgs: 0,
  maxArgs: 2,
  completes: 'command',
  async run(context, args) {
    context.stdout.write(await formatHelp(args));
  },
};

async function formatHelp(args: readonly string[]): Promise<string> {
  if (args[0] === 'exit-codes') return EXIT_CODES_HELP;
  if (args.length === 0) return formatOverview('');
  const entry = findCommand(args.join(' '));
  if (entry !== undefined) return formatCommandHelp({ ...(await entry.load()).command, name: args.join(' ') });
  // A group of commands, or a word that is none: the router says what was meant.
  return formatOverview(parseRoute(args).name);
}

/** All commands, or those of a group (`image`). */
export function formatOverview(group: string): string {
  const rows: [string, string][] = COMMANDS.flatMap((entry): [string, string][] => {
    if (group === '') return [[entry.name, entry.summary]];
    const names = entry.aliases.filter((alias) => alias.startsWith(`${group} `));
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
  ['BUILDKIT_PROGRESS', 'how to show progress: auto, tty, plain, quiet, rawjson'],
  ['NO_COLOR', 'no colours'],
])}
Run 'tsbuild COMMAND --help' for one command, 'tsbuild help exit-codes' for what exit codes mean.
`;
}
