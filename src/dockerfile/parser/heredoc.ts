import { expand } from '../shell/index.ts';

/** `3<<-EOF`: what stands on the instruction's line. */
export interface HeredocMark {
  readonly name: string;
  readonly fileDescriptor: number;
  readonly expand: boolean;
  readonly chomp: boolean;
}

const MARK = /^(\d*)<<(-?)\s*([^<]*)$/;

/** The heredocs that a line announces, in order. Throws `EXPANSION_INVALID` on a quote left open in a name. */
export function findHeredocs(line: string): HeredocMark[] {
  let words: readonly string[];
  try {
    words = expand(line, {}, { rawQuotes: true, rawEscapes: true, keepUnset: true }).words;
  } catch {
    // The shell will tell what is wrong with the command.
    return [];
  }
  return words.map(parseHeredocMark).filter((mark) => mark !== undefined);
}

/** Reads one word as a heredoc mark; `undefined` when it is none. Throws `EXPANSION_INVALID`. */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  const [, digits = '', dash, rest = ''] = MARK.exec(word) ?? [];
  if (rest === '') return undefined;
  const unquoted = expand(rest, {}, { keepUnset: true }).words;
  const [name] = unquoted;
  if (unquoted.length !== 1 || name === undefined) return undefined;
  const [quoted = ''] = expand(rest, {}, { keepUnset: true, rawQuotes: true }).words;
  return {
    name,
    fileDescriptor: digits === '' ? 0 : Math.min(Number(digits), Number.MAX_SAFE_INTEGER),
    expand: countQuotes(name) === countQuotes(quoted),
    chomp: dash === '-',
  };
}

/** Whether a word would be read as a heredoc; a badly quoted one is not. */
export function isHeredocMark(word: string): boolean {
  if (!word.includes('<<')) return false;
  try {
    return parseHeredocMark(word) !== undefined;
  } catch {
    return false;
  }
}

/** Takes the leading tabs off each line (`<<-`). */
export function chompTabs(content: string): string {
  return content.replace(/^\t+/gm, '');
}

function countQuotes(text: string): number {
  return text.length - text.replace(/['"]/g, '').length;
}
