import type { InstructionNode } from '../parser/index.ts';
import type { SourceRange } from '../position.ts';

/** One simple command of a shell script: `apt-get -y install curl`. */
export interface ShellCommand {
  /** Without assignments and words such as sudo in front; quotes taken off. */
  readonly words: readonly string[];
  /** It reads what another command writes (`yes | …`). */
  readonly isPiped: boolean;
  readonly range: SourceRange;
}

/**
 * The commands of a RUN, found without being a shell: good for seeing what is plainly written, not for what variables, functions
 * and nested shells do.
 */
export function listShellCommands(node: InstructionNode): readonly ShellCommand[] {
  const [first] = node.args;
  if (first === undefined) return [];
  if (node.json) return listExecCommands(node);
  const commands = split(first.value, (start, end) => first.rangeOf?.(start, end) ?? first.range);
  for (const { content, range } of node.heredocs) {
    const toRange = createPlaces(content, range.start.line);
    commands.push(...split(content, toRange));
  }
  return commands;
}

/** `["sh", "-c", "…"]` is a script too. */
function listExecCommands({ args, range }: InstructionNode): readonly ShellCommand[] {
  const [program = '', flag = ''] = args.map(({ value }) => value);
  const script = /(?:^|\/)(?:ba|da|a|z)?sh$/.test(program) && /^-[a-z]*c$/.test(flag) ? args[2] : undefined;
  if (script !== undefined) return split(script.value, () => script.range);
  const words = args.map(({ value }) => value);
  const place = { start: args[0]?.range.start ?? range.start, end: args.at(-1)?.range.end ?? range.end };
  return [{ words: dropPrefixes(words), isPiped: false, range: place }];
}

type ToRange = (start: number, end: number) => SourceRange;

/** Offsets in a heredoc's text to places in the file. */
function createPlaces(content: string, firstLine: number): ToRange {
  // Commands are looked for from the first to the last: each place is not far behind the one before.
  let line = firstLine;
  let lineStart = 0;
  const locate = (offset: number) => {
    if (offset < lineStart) [line, lineStart] = [firstLine, 0];
    for (
      let feed = content.indexOf('\n', lineStart);
      feed >= 0 && feed < offset;
      feed = content.indexOf('\n', lineStart)
    ) {
      line++;
      lineStart = feed + 1;
    }
    return { line, column: offset - lineStart };
  };
  return (start, end) => ({ start: locate(start), end: locate(end) });
}

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\r]/;
/** What ends a simple command. */
const SEPARATOR = /[;&|\n(){}]/;

function split(script: string, toRange: ToRange): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: Word[] = [];
  let isPiped = false;
  const finish = (separator: string): void => {
    const [first] = words;
    const last = words.at(-1);
    if (first !== undefined && last !== undefined) {
      const kept = dropPrefixes(words.map(({ text }) => text));
      const begin = words[words.length - kept.length] ?? first;
      if (kept.length > 0) commands.push({ words: kept, isPiped, range: toRange(begin.start, last.end) });
    }
    words = [];
    isPiped = separator === '|';
  };
  for (let at = 0; at < script.length; ) {
    const char = script.charAt(at);
    if (SPACE.test(char)) at++;
    else if (char === '\\' && script[at + 1] === '\n') at += 2;
    else if (char === '#') at = endOfLine(script, at);
    else if (SEPARATOR.test(char)) {
      const double = script[at + 1] === char && '&|;'.includes(char);
      finish(double ? char + char : char);
      at += double ? 2 : 1;
    } else {
      const word = readWord(script, at);
      words.push(word);
      at = word.end;
    }
  }
  finish('');
  return commands;
}

/** Up to unquoted white space or the end of the command; `$( … )` and `${…}` stay together. */
function readWord(script: string, start: number): Word {
  let text = '';
  let quote = '';
  let depth = 0;
  let at = start;
  for (; at < script.length; at++) {
    const char = script.charAt(at);
    if (char === '\\' && quote !== "'") {
      at++;
      if (script[at] !== '\n') text += script.charAt(at);
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else text += char;
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '$' && (script[at + 1] === '(' || script[at + 1] === '{')) {
      depth++;
      text += char + script.charAt(++at);
    } else if (depth > 0 && (char === ')' || char === '}')) {
      depth--;
      text += char;
    } else if (depth === 0 && (SPACE.test(char) || SEPARATOR.test(char))) break;
    else text += char;
  }
  return { text, start, end: Math.min(at, script.length) };
}

function endOfLine(script: string, at: number): number {
  const feed = script.indexOf('\n', at);
  return feed < 0 ? script.length : feed;
}

const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;
/** Words that only say how the command behind them is run. */
const PREFIXES = new Set([
  '!',
  'command',
  'do',
  'else',
  'elif',
  'env',
  'exec',
  'if',
  'sudo',
  'then',
  'time',
  'until',
  'while',
]);

function dropPrefixes(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !ASSIGNMENT.test(word) && !PREFIXES.has(word));
  return first < 0 ? [] : words.slice(first);
}
