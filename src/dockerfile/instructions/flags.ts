import { suggest } from '../../suggest.ts';
import { didYouMean, syntaxError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import type { InstructionNode } from '../parser/index.ts';
import type { SourceRange } from '../position.ts';

export type FlagKind = 'bool' | 'string' | 'strings';

/** A flag's value; its place is the flag's. */
class FlagToken implements Token {
  readonly name: string;
  readonly value: string;
  readonly #flag: Token;

  constructor(name: string, value: string, flag: Token) {
    this.name = name;
    this.value = value;
    this.#flag = flag;
  }

  get range(): SourceRange {
    return this.#flag.range;
  }
}

/** The flags of one instruction, checked. They are few: a map of each instruction's would cost more than looking through them. */
export class Flags {
  readonly #given: readonly FlagToken[];

  constructor(given: readonly FlagToken[]) {
    this.#given = given;
  }

  /** The value with its place, `undefined` when not given. */
  token(name: string): Token | undefined {
    return findFlag(this.#given, name);
  }

  /** The value, empty when not given. */
  text(name: string): string {
    return this.token(name)?.value ?? '';
  }

  bool(name: string): boolean | undefined {
    const token = this.token(name);
    return token === undefined ? undefined : token.value === 'true';
  }

  all(name: string): readonly Token[] {
    return this.#given.filter((flag) => flag.name === name);
  }
}

function findFlag(given: readonly FlagToken[], name: string): FlagToken | undefined {
  for (const flag of given) if (flag.name === name) return flag;
  return undefined;
}

const NO_FLAGS = new Flags([]);

/** Checks an instruction's `--flags` against those it knows. */
export function parseFlags(node: InstructionNode, known: Readonly<Record<string, FlagKind>>): Flags {
  if (node.flags.length === 0) return NO_FLAGS;
  const given: FlagToken[] = [];
  for (const flag of node.flags) {
    const text = flag.value;
    const equals = text.indexOf('=');
    const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined)
      throw syntaxError(
        `unknown flag --${name} of ${node.name.toUpperCase()}`,
        flag.range,
        didYouMean(flagName(suggest(name, Object.keys(known)))),
      );
    if (kind !== 'strings' && findFlag(given, name) !== undefined)
      throw syntaxError(`the flag --${name} is given twice`, flag.range);
    const value = equals < 0 ? undefined : text.slice(equals + 1);
    given.push(new FlagToken(name, checkValue(name, kind, value, flag), flag));
  }
  return new Flags(given);
}

function checkValue(name: string, kind: FlagKind, value: string | undefined, flag: Token): string {
  if (kind !== 'bool') {
    if (value === undefined) throw syntaxError(`the flag --${name} needs a value: --${name}=…`, flag.range);
    return value;
  }
  if (value === undefined) return 'true';
  const lower = value.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower;
  throw syntaxError(`the flag --${name} is ${JSON.stringify(value)}, expected true or false`, flag.range);
}

function flagName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `--${name}`;
}
