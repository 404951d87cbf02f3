import { syntaxError } from '../errors.ts';
import { isSpace, skipPlain } from '../text.ts';
import type { Token } from './ast.ts';
import { parseJsonStrings } from './json-form.ts';
import type { LogicalLine, TextToken } from './logical-line.ts';
import { findSeparator, type Span, skipSeparators, trimSpan } from './split-command.ts';

export interface Arguments {
  readonly args: readonly Token[];
  readonly json: boolean;
}

export type ArgumentParser = (line: LogicalLine, rest: Span, escapeChar: string) => Arguments;

export const NO_ARGUMENTS: Arguments = { args: [], json: false };

/** How the rest of each instruction's line is read, by lower-case name. Unknown instructions have no arguments here. */
export const ARGUMENT_PARSERS: ReadonlyMap<string, ArgumentParser> = new Map<string, ArgumentParser>([
  ['add', readJsonOrWords],
  ['arg', readNames],
  ['cmd', readJsonOrText],
  ['copy', readJsonOrWords],
  ['entrypoint', readJsonOrText],
  ['env', (line, rest, escapeChar) => readPairs(line, rest, escapeChar, 'ENV')],
  ['expose', readWords],
  ['from', readWords],
  ['healthcheck', readHealthcheck],
  ['label', (line, rest, escapeChar) => readPairs(line, rest, escapeChar, 'LABEL')],
  ['maintainer', readText],
  ['run', readJsonOrText],
  ['shell', readJsonOrText],
  ['stopsignal', readText],
  ['user', readText],
  ['volume', readJsonOrWords],
  ['workdir', readText],
]);

function readText(line: LogicalLine, rest: Span): Arguments {
  if (rest.start >= rest.end) return NO_ARGUMENTS;
  return { args: [line.textToken(rest.start, rest.end)], json: false };
}

function readWords(line: LogicalLine, rest: Span): Arguments {
  const args: Token[] = [];
  const { text } = line;
  for (let at = rest.start; at < rest.end; ) {
    const end = findSeparator(text, at, rest.end);
    args.push(line.textToken(at, end));
    at = skipSeparators(text, end, rest.end);
  }
  return { args, json: false };
}

function readJson(line: LogicalLine, rest: Span): Arguments | undefined {
  const span = trimSpan(line.text, rest);
  const strings = line.text[span.start] === '[' ? parseJsonStrings(line, span) : undefined;
  return strings === undefined ? undefined : { args: strings, json: true };
}

/** Exec form, or the whole text: what is not good JSON silently is shell form. */
function readJsonOrText(line: LogicalLine, rest: Span): Arguments {
  return readJson(line, rest) ?? readText(line, rest);
}

function readJsonOrWords(line: LogicalLine, rest: Span): Arguments {
  return readJson(line, rest) ?? readWords(line, rest);
}

function readHealthcheck(line: LogicalLine, rest: Span): Arguments {
  const { text } = line;
  let at = rest.start;
  while (at < rest.end && !isSpace(text.charAt(at))) at++;
  if (at === rest.start) return NO_ARGUMENTS;
  const type = line.textToken(rest.start, at);
  while (at < rest.end && isSpace(text.charAt(at))) at++;
  const command = readJsonOrText(line, { start: at, end: rest.end });
  return { args: [type, ...command.args], json: command.json };
}

function readNames(line: LogicalLine, rest: Span, escapeChar: string): Arguments {
  return { args: splitQuoted(line, rest, escapeChar), json: false };
}

/** `a=1 b="2 3"`, or the old `name the rest is the value`: the first word decides. */
function readPairs(line: LogicalLine, rest: Span, escapeChar: string, keyword: string): Arguments {
  const words = splitQuoted(line, rest, escapeChar);
  const first = words[0];
  if (first === undefined) return NO_ARGUMENTS;
  if (!first.value.includes('=')) return readOldPair(line, rest, keyword);
  const args: Token[] = [];
  for (const word of words) {
    const equals = word.value.indexOf('=');
    if (equals < 0)
      throw syntaxError(`${keyword}: no = in ${JSON.stringify(word.value)}, expected name=value`, word.range);
    const at = word.start + equals;
    args.push(line.textToken(word.start, at), line.textToken(at + 1, word.end), line.textToken(at, at + 1));
  }
  return { args, json: false };
}

function readOldPair(line: LogicalLine, rest: Span, keyword: string): Arguments {
  const { text } = line;
  const nameEnd = findSeparator(text, rest.start, rest.end);
  const name = line.textToken(rest.start, nameEnd);
  if (nameEnd >= rest.end) throw syntaxError(`${keyword} must have two arguments, a name and a value`, name.range);
  const at = skipSeparators(text, nameEnd, rest.end);
  return {
    args: [name, line.textToken(at, rest.end), line.textToken(rest.end, rest.end)],
    json: false,
  };
}

/** Words separated by white space outside quotes; quotes and escapes stay in, for the expansion to take off. */
function splitQuoted(line: LogicalLine, rest: Span, escapeChar: string): TextToken[] {
  const { text } = line;
  const words: TextToken[] = [];
  let at = rest.start;
  for (;;) {
    while (at < rest.end && isSpace(text.charAt(at))) at++;
    if (at >= rest.end) return words;
    const start = at;
    let quote = '';
    let lone = false;
    for (at = skipPlain(text, at); at < rest.end; at = skipPlain(text, at + 1)) {
      const char = text.charAt(at);
      if (char === escapeChar && quote !== "'") {
        // An escape as the very last character of the line is dropped.
        lone = at + 1 >= rest.end;
        at++;
      } else if (quote !== '') {
        if (char === quote) quote = '';
      } else if (char === '"' || char === "'") {
        quote = char;
      } else if (isSpace(char)) {
        break;
      }
    }
    at = Math.min(at, rest.end);
    const end = lone ? at - 1 : at;
    if (end > start) words.push(line.textToken(start, end));
  }
}
