import { syntaxError } from '../errors.ts';
import { isSpace } from '../text.ts';
import type { Token } from './ast.ts';
import { parseJsonStrings } from './json-form.ts';
import type { LogicalLine } from './logical-line.ts';
import { isSeparator, type Span, trimSpan } from './split-command.ts';

export interface Arguments {
  readonly args: readonly Token[];
  readonly json: boolean;
}

export type ArgumentParser = (line: LogicalLine, rest: Span, escapeChar: string) => Arguments;

const NONE: Arguments = { args: [], json: false };

/** How the rest of each instruction's line is read, by lower-case name. Unknown instructions have no arguments here. */
export const ARGUMENT_PARSERS: Readonly<Record<string, ArgumentParser>> = {
  add: readJsonOrWords,
  arg: readNames,
  cmd: readJsonOrText,
  copy: readJsonOrWords,
  entrypoint: readJsonOrText,
  env: (line, rest, escapeChar) => readPairs(line, rest, escapeChar, 'ENV'),
  expose: readWords,
  from: readWords,
  healthcheck: readHealthcheck,
  label: (line, rest, escapeChar) => readPairs(line, rest, escapeChar, 'LABEL'),
  maintainer: readText,
  run: readJsonOrText,
  shell: readJsonOrText,
  stopsignal: readText,
  user: readText,
  volume: readJsonOrWords,
  workdir: readText,
};

function readText(line: LogicalLine, rest: Span): Arguments {
  if (rest.start >= rest.end) return NONE;
  return { args: [line.token(line.text.slice(rest.start, rest.end), rest.start, rest.end)], json: false };
}

function readWords(line: LogicalLine, rest: Span): Arguments {
  const args: Token[] = [];
  const { text } = line;
  for (let at = rest.start; at < rest.end; ) {
    const start = at;
    while (at < rest.end && !isSeparator(text[at])) at++;
    args.push(line.token(text.slice(start, at), start, at));
    while (at < rest.end && isSeparator(text[at])) at++;
  }
  return { args, json: false };
}

function readJson(line: LogicalLine, rest: Span): Arguments | undefined {
  const strings = parseJsonStrings(line, trimSpan(line.text, rest));
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
  if (at === rest.start) return NONE;
  const type = line.token(text.slice(rest.start, at), rest.start, at);
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
  if (first === undefined) return NONE;
  if (!first.value.includes('=')) return readOldPair(line, rest, keyword);
  const args: Token[] = [];
  for (const word of words) {
    const equals = word.value.indexOf('=');
    if (equals < 0)
      throw syntaxError(`${keyword}: no = in ${JSON.stringify(word.value)}, expected name=value`, word.range);
    args.push(
      { value: word.value.slice(0, equals), range: word.range },
      { value: word.value.slice(equals + 1), range: word.range },
      { value: '=', range: word.range },
    );
  }
  return { args, json: false };
}

function readOldPair(line: LogicalLine, rest: Span, keyword: string): Arguments {
  const { text } = line;
  let at = rest.start;
  while (at < rest.end && !isSeparator(text[at])) at++;
  const name = line.token(text.slice(rest.start, at), rest.start, at);
  if (at >= rest.end) throw syntaxError(`${keyword} must have two arguments, a name and a value`, name.range);
  while (at < rest.end && isSeparator(text[at])) at++;
  return {
    args: [name, line.token(text.slice(at, rest.end), at, rest.end), line.token('', rest.end, rest.end)],
    json: false,
  };
}

/** Words separated by white space outside quotes; quotes and escapes stay in, for the expansion to take off. */
function splitQuoted(line: LogicalLine, rest: Span, escapeChar: string): Token[] {
  const { text } = line;
  const words: Token[] = [];
  let at = rest.start;
  for (;;) {
    while (at < rest.end && isSpace(text.charAt(at))) at++;
    if (at >= rest.end) return words;
    const start = at;
    let value = '';
    let quote = '';
    let quoted = false;
    for (; at < rest.end; at++) {
      const char = text.charAt(at);
      if (quote === '' && isSpace(char)) break;
      if (char === escapeChar && quote !== "'") {
        // An escape as the very last character of the line is dropped.
        if (at + 1 < rest.end) value += char + text.charAt(++at);
        continue;
      }
      if (quote === '' && (char === '"' || char === "'")) {
        quote = char;
        quoted = true;
      } else if (char === quote) {
        quote = '';
      }
      value += char;
    }
    if (quoted || value !== '') words.push(line.token(value, start, at));
  }
}
