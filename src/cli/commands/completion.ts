import type { CommandSpec } from '../command-spec.ts';
import { COMMANDS } from '../command-table.ts';
import { type CompletedCommand, formatBash, formatFish, formatZsh } from '../format/completion.ts';
import { GLOBAL_OPTIONS } from '../parse.ts';
import { usageError } from '../usage-errors.ts';

const SHELLS = { bash: formatBash, zsh: formatZsh, fish: formatFish };

export const command: CommandSpec = {
  name: 'completion',
  usage: 'bash | zsh | fish',
  summary: 'Print a completion script for bash, zsh or fish',
  examples: [
    'source <(tsbuild completion bash)',
    'tsbuild completion zsh > /usr/local/share/zsh/site-functions/_tsbuild',
    'tsbuild completion fish > ~/.config/fish/completions/tsbuild.fish',
  ],
  options: [],
  minArgs: 1,
  maxArgs: 1,
  async run(context, [shell = '']) {
    if (!Object.hasOwn(SHELLS, shell))
      throw usageError(`there is no completion for ${JSON.stringify(shell)}`, 'shells are bash, zsh and fish');
    context.stdout.write(SHELLS[shell as keyof typeof SHELLS](await listCommands()));
  },
};

/** Every command under each of its names, with the flags that its help shows. */
async function listCommands(): Promise<CompletedCommand[]> {
  const lists = await Promise.all(
    COMMANDS.map(async (entry) => {
      const { command: spec } = await entry.load();
      const options = [...spec.options.filter((option) => !option.hidden), ...GLOBAL_OPTIONS];
      return [entry.name, ...entry.aliases].map((name) => ({
        name,
        summary: entry.summary,
        spec: { ...spec, options },
      }));
    }),
  );
  return lists.flat();
}
