import type { HeredocNode, InstructionNode } from '../../dockerfile/parser/index.ts';
import type { SourceRange } from '../../dockerfile/position.ts';

/** An instruction as `tsbuild parse --json` prints it. */
export interface ParsedInstruction {
  /** In capitals, however it is written. */
  readonly keyword: string;
  /** `--name=value` or `--name`, in order, quotes and escapes taken off. */
  readonly flags: readonly string[];
  /**
   * What BuildKit's parser makes of the rest: one text for shell forms, the strings of a JSON array, words for FROM, COPY, ADD,
   * EXPOSE, VOLUME and ARG. ENV and LABEL have three for each pair: name, value, and `=` (or nothing in the old form `ENV k v`).
   * HEALTHCHECK has its type first, ONBUILD the keyword of its trigger.
   */
  readonly args: readonly string[];
  /** The arguments are a JSON array (exec form). */
  readonly json: boolean;
  /** `content` is as in the file, the tabs that `<<-` (`chomp`) takes off included. */
  readonly heredocs: readonly Omit<HeredocNode, 'range'>[];
  /** The line as it was read: continuations joined, comments left out. */
  readonly original: string;
  /** Lines from 1, columns from 0 in UTF-16 code units, the end exclusive; heredocs included. */
  readonly range: SourceRange;
  /** What ONBUILD keeps for later. */
  readonly trigger?: ParsedInstruction;
}

export function showInstruction(node: InstructionNode): ParsedInstruction {
  return {
    keyword: node.keyword.value.toUpperCase(),
    flags: node.flags.map(({ value }) => value),
    args: node.args.map(({ value }) => value),
    json: node.json,
    heredocs: node.heredocs.map(({ name, content, expand, chomp, fileDescriptor }) => ({
      name,
      content,
      expand,
      chomp,
      fileDescriptor,
    })),
    original: node.original,
    range: node.range,
    ...(node.trigger === undefined ? {} : { trigger: showInstruction(node.trigger) }),
  };
}

const PLACE_WIDTH = 9;
const KEYWORD_WIDTH = 12;

/** `3-5      RUN         --network=none "make all"`, and a line for each heredoc. */
export function formatInstruction(instruction: ParsedInstruction): string {
  const { keyword, heredocs, range } = instruction;
  const { line: first } = range.start;
  const { line: last } = range.end;
  const place = (first === last ? `${first}` : `${first}-${last}`).padEnd(PLACE_WIDTH);
  const lines = heredocs.map((heredoc) => `${' '.repeat(PLACE_WIDTH)}${formatHeredoc(heredoc)}\n`);
  return `${`${place}${keyword.padEnd(KEYWORD_WIDTH)}${formatArguments(instruction)}`.trimEnd()}\n${lines.join('')}`;
}

/** Flags as they are; texts quoted, so that their ends are seen; exec form as the array that it is. */
function formatArguments({ flags, args, json, trigger }: ParsedInstruction): string {
  if (trigger !== undefined) return `${trigger.keyword} ${formatArguments(trigger)}`;
  const texts = args.map((text) => JSON.stringify(text));
  return [...flags, ...(json ? [`[${texts.join(', ')}]`] : texts)].join(' ');
}

function formatHeredoc({ name, content, expand, chomp, fileDescriptor }: Omit<HeredocNode, 'range'>): string {
  const count = content.split('\n').length - 1;
  const mark = `${fileDescriptor === 0 ? '' : fileDescriptor}<<${chomp ? '-' : ''}${name}`;
  return `${mark}: ${count} line${count === 1 ? '' : 's'}, variables ${expand ? 'are replaced' : 'stay'}`;
}
