import { suggest } from '../../suggest.ts';
import { didYouMean, syntaxError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import type { InstructionNode } from '../parser/index.ts';

export type FlagKind = 'bool' | 'string' | 'strings';

/** The flags of one instruction, checked. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly Token[]>;

  constructor(values: ReadonlyMap<string, readonly Token[]>) {
    this.#values = values;
  }

  /** The value with its place, `undefined` when not given. */
  token(name: string): Token | undefined {
    return this.#values.get(name)?.[0];
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
    return this.#values.get(name) ?? [];
  }
}

const NO_FLAGS = new Flags(new Map());

/** Checks an instruction's `--flags` against those it knows. */
export function parseFlags(node: InstructionNode, known: Readonly<Record<string, FlagKind>>): Flags {
  if (node.flags.length === 0) return NO_FLAGS;
  const values = new Map<string, Token[]>();
  for (const flag of node.flags) {
    const equals = flag.value.indexOf('=');
    const name = equals < 0 ? flag.value.slice(2) : flag.value.slice(2, equals);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined)
      throw syntaxError(
        `unknown flag --${name} of ${node.name.toUpperCase()}`,
        flag.range,
        didYouMean(flagName(suggest(name, Object.keys(known)))),
      );
    const seen = values.get(name) ?? [];
    if (seen.length > 0 && kind !== 'strings') throw syntaxError(`the flag --${name} is given twice`, flag.range);
    const value = equals < 0 ? undefined : flag.value.slice(equals + 1);
    seen.push({ value: checkValue(name, kind, value, flag), range: flag.range });
    values.set(name, seen);
  }
  return new Flags(values);
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
