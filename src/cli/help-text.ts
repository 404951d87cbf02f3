import type { CommandSpec } from './command-spec.ts';
import { optionsOf } from './parse.ts';

const WIDTH = 100;

/** What `tsbuild <command> --help` prints. */
export function formatCommandHelp(spec: CommandSpec<never>): string {
  const pairs = optionsOf(spec)
    .filter((option) => !option.hidden)
    .map(({ flags, description, choices }): [string, string] => [
      flags.startsWith('--') ? `    ${flags}` : flags,
      choices === undefined ? description : `${description}: ${choices.join(', ')}`,
    ]);
  const examples = (spec.examples ?? []).map((example) => `  ${example}\n`).join('');
  return [
    `Usage: tsbuild ${spec.name} ${spec.usage}\n\n${spec.summary}\n`,
    `\nOptions:\n${formatPairs(pairs)}`,
    spec.notes === undefined ? '' : `\n${wrap(spec.notes, WIDTH).join('\n')}\n`,
    examples === '' ? '' : `\nExamples:\n${examples}`,
  ].join('');
}

/** Names and what they mean in two columns; long texts go on in further lines. */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const column = Math.max(...pairs.map(([name]) => name.length)) + 4;
  return pairs
    .map(([name, text]) => {
      const lines = wrap(text, WIDTH - column);
      return lines.map((line, i) => `${(i === 0 ? `  ${name}` : '').padEnd(column)}${line}\n`).join('');
    })
    .join('');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
