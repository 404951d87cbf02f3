import { SpecError } from './errors.ts';

/** A mapping of a specification. As in the reference implementation a field that is not known makes the whole file invalid. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #place: string;

  constructor(value: unknown, place: string, known: readonly string[]) {
    this.#values = entriesOf(value, place);
    this.#place = place;
    for (const key of this.#values.keys())
      if (!known.includes(key))
        throw new SpecError(`${place || 'the file'} has an unknown field ${JSON.stringify(key)}`);
  }

  /** Whether there is anything in the field. */
  has(key: string): boolean {
    const value = this.#values.get(key);
    return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
  }

  get(key: string): unknown {
    return this.#values.get(key) ?? undefined;
  }

  text(key: string): string {
    return this.has(key) ? textOf(this.get(key), this.#name(key)) : '';
  }

  /** A whole number, not negative; `undefined` when there is none. */
  number(key: string): number | undefined {
    if (!this.has(key)) return undefined;
    const value = this.get(key);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_NUMBER)
      throw new SpecError(`${this.#name(key)} is not a whole number`);
    return value;
  }

  list<T>(key: string, read: (value: unknown, place: string) => T): readonly T[] {
    const value = this.get(key) ?? [];
    if (!Array.isArray(value)) throw new SpecError(`${this.#name(key)} is not a list`);
    return value.map((item, index) => read(item, `${this.#name(key)}[${index}]`));
  }

  texts(key: string): readonly string[] {
    return this.list(key, textOf);
  }

  /** A mapping of texts. */
  map(key: string): ReadonlyMap<string, string> {
    const place = this.#name(key);
    const entries = this.has(key) ? entriesOf(this.get(key), place) : new Map<string, unknown>();
    return new Map([...entries].map(([name, value]) => [name, textOf(value, `${place}.${name}`)]));
  }

  #name(key: string): string {
    return this.#place === '' ? key : `${this.#place}.${key}`;
  }
}

const MAX_NUMBER = 0xffffffff;

function entriesOf(value: unknown, place: string): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SpecError(`${place || 'the file'} is not a mapping`);
  return new Map(Object.entries(value));
}

/** `true` and `1` without quotes are texts where a text is wanted. */
function textOf(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new SpecError(`${place} is not a text`);
}
