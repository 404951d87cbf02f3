/**
 * A list that others continue: a stage has all that its base has and more, and stages of stages would copy it over and over.
 * What is continued must not be added to any more.
 */
export class SharedList<T> implements Iterable<T> {
  readonly #base: SharedList<T> | undefined;
  readonly #inherited: number;
  readonly #own: T[] = [];

  constructor(base?: SharedList<T>) {
    // A base without anything of its own is passed over: a long chain of such stages is not walked.
    this.#base = base !== undefined && base.#own.length === 0 ? base.#base : base;
    this.#inherited = base?.length ?? 0;
  }

  get length(): number {
    return this.#inherited + this.#own.length;
  }

  push(item: T): void {
    this.#own.push(item);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    const lists: SharedList<T>[] = [this];
    for (let list = this.#base; list !== undefined; list = list.#base) lists.push(list);
    for (const list of lists.toReversed()) yield* list.#own;
  }
}
