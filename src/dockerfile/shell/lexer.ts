import { errorMessage } from '../../errors.ts';
import { isSpace, splitSpaces } from '../text.ts';
import { invalidExpansion } from './errors.ts';
import { replaceAll, replaceFirst, trimPrefix, trimSuffix } from './glob.ts';
import { WordCollector } from './words.ts';

/** Variables by name: an object's own properties, or what looks them up, as a map does. */
export type Environment = Readonly<Record<string, string>> | VariableGetter;

interface VariableGetter {
  get(name: string): string | undefined;
}

export interface ExpandOptions {
  /** The Dockerfile's escape character; `\` by default. */
  readonly escape?: string;
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escape characters stay in the result. */
  readonly rawEscapes?: boolean;
  /** Quotes are ordinary characters (the content of a heredoc). */
  readonly ignoreQuotes?: boolean;
  /** A variable that is not set stays as it was written. */
  readonly keepUnset?: boolean;
}

export interface Expansion {
  readonly result: string;
  /** The result split at white space that was not quoted. */
  readonly words: readonly string[];
  /** Names that were looked up and found. */
  readonly matched: ReadonlySet<string>;
  /** Names that were looked up and are not set: the base of "did you mean". */
  readonly unmatched: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();
const MAX_DEPTH = 500;
/** One-character parameters of POSIX sh; they are names here, never set. */
const SPECIAL_PARAMETERS = '@*#?-$!0';

/**
 * Expands the variables, quotes and escapes of one word by BuildKit's rules (frontend/dockerfile/shell). Throws
 * `EXPANSION_INVALID`.
 */
export function expand(word: string, env: Environment, options: ExpandOptions = {}): Expansion {
  if (!/[$'"<]/.test(word) && !word.includes(options.escape ?? '\\'))
    return { result: word, words: splitSpaces(word), matched: NONE, unmatched: NONE };
  return new Lexer(word, env, options).run();
}

/** A variable that is twice itself grows past all bounds in a few lines. No process takes one of even a hundredth of this. */
const MAX_RESULT = 16 * 1024 * 1024;

class Lexer {
  readonly #source: string;
  readonly #env: Environment;
  readonly #escape: string;
  readonly #rawQuotes: boolean;
  readonly #ignoreQuotes: boolean;
  readonly #keepUnset: boolean;
  readonly #matched = new Set<string>();
  readonly #unmatched = new Set<string>();
  #rawEscapes: boolean;
  #at = 0;
  #depth = 0;

  constructor(source: string, env: Environment, options: ExpandOptions) {
    this.#source = source;
    this.#env = env;
    this.#escape = options.escape ?? '\\';
    this.#rawQuotes = options.rawQuotes ?? false;
    this.#rawEscapes = options.rawEscapes ?? false;
    this.#ignoreQuotes = options.ignoreQuotes ?? false;
    this.#keepUnset = options.keepUnset ?? false;
  }

  run(): Expansion {
    const words = new WordCollector();
    let result: string;
    try {
      result = this.#readUntil('', words);
    } catch (error) {
      throw invalidExpansion(this.#source, errorMessage(error));
    }
    if (result.length > MAX_RESULT)
      throw invalidExpansion(this.#source, `the result would have more than ${MAX_RESULT} characters`);
    return { result, words: words.finish(), matched: this.#matched, unmatched: this.#unmatched };
  }

  /** The next character without taking it; empty at the end. */
  #peek(): string {
    const code = this.#source.codePointAt(this.#at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  #next(): string {
    const char = this.#peek();
    this.#at += char.length;
    return char;
  }

  /** Reads up to and over `stop`; to the end when it is empty. */
  #readUntil(stop: string, words?: WordCollector): string {
    let result = '';
    for (let char = this.#peek(); char !== ''; char = this.#peek()) {
      if (char === stop) {
        this.#next();
        return result;
      }
      if (char === '$') {
        const value = this.#readDollar();
        result += value;
        words?.addText(value);
      } else if (!this.#ignoreQuotes && (char === "'" || char === '"')) {
        const value = char === "'" ? this.#readSingleQuoted() : this.#readDoubleQuoted();
        result += value;
        words?.addRaw(value);
      } else if (!this.#ignoreQuotes && char === '<') {
        const value = this.#readHeredocMark();
        result += value;
        words?.addRaw(value);
      } else if (char === this.#escape) {
        this.#next();
        if (this.#rawEscapes) {
          words?.addRaw(char);
          result += char;
        }
        const escaped = this.#next();
        if (escaped === '') break;
        words?.addRaw(escaped);
        result += escaped;
      } else {
        const run = this.#readPlain(stop);
        words?.addText(run);
        result += run;
      }
    }
    if (stop !== '') throw new Error(`the matching ${stop} is missing`);
    return result;
  }

  /** At least one character, up to the next that may be special. */
  #readPlain(stop: string): string {
    const start = this.#at++;
    for (; this.#at < this.#source.length; this.#at++) {
      const char = this.#source.charAt(this.#at);
      if (char === stop || char === this.#escape || '$\'"<'.includes(char)) break;
    }
    return this.#source.slice(start, this.#at);
  }

  /** `<<  word`: the space belongs to the word, so that it stays one. */
  #readHeredocMark(): string {
    this.#next();
    if (this.#peek() !== '<') return '<';
    this.#next();
    let mark = '<<';
    while (isSpace(this.#peek())) mark += this.#next();
    return mark;
  }

  #readSingleQuoted(): string {
    const open = this.#at++;
    const close = this.#source.indexOf("'", this.#at);
    if (close < 0) {
      this.#at = this.#source.length;
      throw new Error("the closing ' is missing");
    }
    this.#at = close + 1;
    return this.#rawQuotes ? this.#source.slice(open, close + 1) : this.#source.slice(open + 1, close);
  }

  #readDoubleQuoted(): string {
    const quote = this.#rawQuotes ? '"' : '';
    let result = quote;
    this.#next();
    for (;;) {
      const char = this.#peek();
      if (char === '') throw new Error('the closing " is missing');
      if (char === '$') {
        result += this.#readDollar();
        continue;
      }
      this.#next();
      if (char === '"') return result + quote;
      if (char !== this.#escape) {
        result += char;
        continue;
      }
      if (this.#rawEscapes) result += char;
      const escaped = this.#peek();
      if (escaped === '') continue;
      // Only these can be escaped inside double quotes; before others the escape character is itself.
      result += escaped === '"' || escaped === '$' || escaped === this.#escape ? this.#next() : char;
    }
  }

  #readDollar(): string {
    this.#next();
    if (this.#peek() !== '{') {
      const name = this.#readName();
      if (name === '') return '$';
      const value = this.#lookUp(name);
      return value ?? (this.#keepUnset ? `$${name}` : '');
    }
    this.#next();
    const first = this.#peek();
    if (first === '') throw new Error('the closing } is missing');
    if (first === '{' || first === '}' || first === ':') throw new Error('bad substitution');
    if (++this.#depth > MAX_DEPTH) throw new Error(`substitutions are nested more than ${MAX_DEPTH} deep`);
    const value = this.#readSubstitution(this.#readName());
    this.#depth--;
    return value;
  }

  /** What follows `${name`. */
  #readSubstitution(name: string): string {
    let operator = this.#next();
    if (operator === '}') return this.#lookUp(name) ?? (this.#keepUnset ? `\${${name}}` : '');
    if (operator === '/') return this.#readReplacement(name);
    let text = operator;
    const emptyIsUnset = operator === ':';
    if (emptyIsUnset) {
      operator = this.#next();
      text += operator;
      if (operator === '#' || operator === '%') throw new Error(`unsupported operator ${text} in \${${name}…}`);
    } else if (!'+-?#%'.includes(operator) || operator === '') {
      throw new Error(`unsupported operator ${text || 'at the end'} in \${${name}…}`);
    }
    const word = this.#readOperand('}', operator === '#' || operator === '%');
    const value = this.#lookUp(name);
    if (value === undefined && this.#keepUnset) return `\${${name}${text}${word}}`;
    const missing = value === undefined || (emptyIsUnset && value === '');
    switch (operator) {
      case '-':
        return missing ? word : value;
      case '+':
        return missing ? '' : word;
      case '?':
        if (missing)
          throw new Error(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
        return value;
      case '#':
      case '%': {
        const greedy = word.startsWith(operator);
        const pattern = greedy ? word.slice(1) : word;
        return operator === '#' ? trimPrefix(pattern, value ?? '', greedy) : trimSuffix(pattern, value ?? '', greedy);
      }
      default:
        throw new Error(`unsupported operator ${text} in \${${name}…}`);
    }
  }

  #readReplacement(name: string): string {
    const all = this.#peek() === '/';
    if (all) this.#next();
    const pattern = this.#readOperand('/', true);
    const replacement = this.#readOperand('}', true);
    const value = this.#lookUp(name);
    if (value === undefined && this.#keepUnset) return `\${${name}/${pattern}/${replacement}}`;
    return (all ? replaceAll : replaceFirst)(pattern, value ?? '', replacement);
  }

  #readOperand(stop: '}' | '/', rawEscapes: boolean): string {
    const before = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    try {
      return this.#readUntil(stop);
    } catch (error) {
      if (this.#peek() !== '') throw error;
      throw new Error(stop === '}' ? 'the closing } is missing' : 'the second / of the substitution is missing');
    } finally {
      this.#rawEscapes = before;
    }
  }

  #readName(): string {
    const first = this.#peek();
    const digits = /^\p{Nd}/u.test(first);
    if (!digits && first !== '' && SPECIAL_PARAMETERS.includes(first)) return this.#next();
    const allowed = digits ? /^\p{Nd}$/u : /^[\p{L}\p{Nd}_]$/u;
    const start = this.#at;
    for (let char = first; char !== '' && allowed.test(char); char = this.#peek()) this.#next();
    return this.#source.slice(start, this.#at);
  }

  #lookUp(name: string): string | undefined {
    const env = this.#env;
    const value = isGetter(env) ? env.get(name) : Object.hasOwn(env, name) ? env[name] : undefined;
    (value === undefined ? this.#unmatched : this.#matched).add(name);
    return value;
  }
}

/** An object's properties are strings, one of the name `get` as well. */
function isGetter(env: Environment): env is VariableGetter {
  return typeof env.get === 'function';
}
