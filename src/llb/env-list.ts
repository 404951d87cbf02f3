import type { Digest } from '../oci/index.ts';
import { MerkleMap } from './merkle-map.ts';

interface Entry {
  readonly value: string;
  /** The names before and after it. */
  readonly previous: string | undefined;
  readonly next: string | undefined;
  /** Grows from one appended entry to the next. */
  readonly order: number;
}

// A name, its value and the name before it, of all entries together, say the whole list: so its digest is a map's.
const NOTHING = new MerkleMap<Entry>(({ value, previous }) => JSON.stringify([value, previous]));

/**
 * The environment of a process, in order: BuildKit's llb.EnvList. A value: setting a variable makes another list, in time and
 * memory that do not depend on how long it is, and so does its digest. A stage of thousands of ENV and RUN has thousands of
 * environments.
 */
export class EnvList implements Iterable<string> {
  static readonly empty = new EnvList(NOTHING, undefined, undefined, 0);

  readonly #entries: MerkleMap<Entry>;
  readonly #first: string | undefined;
  readonly #last: string | undefined;
  readonly #nextOrder: number;

  private constructor(
    entries: MerkleMap<Entry>,
    first: string | undefined,
    last: string | undefined,
    nextOrder: number,
  ) {
    this.#entries = entries;
    this.#first = first;
    this.#last = last;
    this.#nextOrder = nextOrder;
  }

  /** From `NAME=value`; the last of a name wins. */
  static from(entries: Iterable<string>): EnvList {
    let list = EnvList.empty;
    for (const entry of entries) list = list.append(...splitEnv(entry));
    return list;
  }

  get(name: string): string | undefined {
    return this.#entries.get(name)?.value;
  }

  has(name: string): boolean {
    return this.#entries.get(name) !== undefined;
  }

  /** The name before this one; `undefined` for the first. */
  previous(name: string): string | undefined {
    return this.#entries.get(name)?.previous;
  }

  /** Sets a variable at the end of the list, wherever it was. */
  append(name: string, value: string): EnvList {
    return this.#last === name ? this.replace(name, value) : this.insertAfter(this.#last, name, value);
  }

  /** Sets a variable where it stands, or at the end. */
  replace(name: string, value: string): EnvList {
    const entry = this.#entries.get(name);
    if (entry === undefined) return this.append(name, value);
    return new EnvList(this.#entries.set(name, { ...entry, value }), this.#first, this.#last, this.#nextOrder);
  }

  /** Sets a variable right after another that is set, wherever it was; at the beginning without one. */
  insertAfter(previous: string | undefined, name: string, value: string): EnvList {
    if (previous === name) return this.replace(name, value);
    const links = new Links(this.#entries, this.#first, this.#last);
    const known = links.get(name);
    if (known !== undefined) links.join(known.previous, known.next);
    const next = previous === undefined ? links.first : links.get(previous)?.next;
    links.set(name, { value, previous, next, order: known?.order ?? this.#nextOrder });
    links.join(previous, name);
    links.join(name, next);
    return new EnvList(links.entries, links.first, links.last, this.#nextOrder + 1);
  }

  /** Compares names by when they were first set. */
  compareAge(a: string, b: string): number {
    return (this.#entries.get(a)?.order ?? 0) - (this.#entries.get(b)?.order ?? 0);
  }

  *keys(): IterableIterator<string> {
    for (let name = this.#first; name !== undefined; name = this.#entries.get(name)?.next) yield name;
  }

  *entries(): IterableIterator<readonly [name: string, value: string]> {
    for (const name of this.keys()) yield [name, this.get(name) ?? ''];
  }

  /** Variables that no list was seen with before, in no order, some perhaps more than once; `seen` is the same for all lists. */
  *newEntries(seen: WeakSet<object>): IterableIterator<readonly [name: string, value: string]> {
    for (const [name, { value }] of this.#entries.newEntries(seen)) yield [name, value];
  }

  /** `NAME=value`, in order. */
  *[Symbol.iterator](): IterableIterator<string> {
    for (const [name, value] of this.entries()) yield `${name}=${value}`;
  }

  /** The same for the same variables in the same order, however the list was made. */
  get digest(): Digest {
    return this.#entries.digest;
  }

  toJSON(): string[] {
    return [...this];
  }
}

/** The entries of a list while they are linked anew. */
class Links {
  entries: MerkleMap<Entry>;
  first: string | undefined;
  last: string | undefined;

  constructor(entries: MerkleMap<Entry>, first: string | undefined, last: string | undefined) {
    this.entries = entries;
    this.first = first;
    this.last = last;
  }

  get(name: string): Entry | undefined {
    return this.entries.get(name);
  }

  set(name: string, entry: Entry): void {
    this.entries = this.entries.set(name, entry);
  }

  /** Puts two entries beside each other; `undefined` is the end of the list on that side. */
  join(left: string | undefined, right: string | undefined): void {
    const before = left === undefined ? undefined : this.get(left);
    const after = right === undefined ? undefined : this.get(right);
    if (left === undefined || before === undefined) this.first = right;
    else if (before.next !== right) this.set(left, { ...before, next: right });
    if (right === undefined || after === undefined) this.last = left;
    else if (after.previous !== left) this.set(right, { ...after, previous: left });
  }
}

/** `NAME=value`; a name alone has an empty value. */
export function splitEnv(entry: string): [name: string, value: string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
