import { isSpace } from '../text.ts';

/** Collects the words of an expansion: unquoted white space separates, quoted does not. */
export class WordCollector {
  #word = '';
  readonly #words: string[] = [];

  /** Text in which white space separates words. */
  addText(text: string): void {
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      if (!isSpace(text.charAt(at))) continue;
      if (at > start) this.addRaw(text.slice(start, at));
      start = at + 1;
      this.#endWord();
    }
    if (start < text.length) this.addRaw(text.slice(start));
  }

  /** Text that is part of the word whatever it is. */
  addRaw(text: string): void {
    this.#word += text;
  }

  finish(): string[] {
    this.#endWord();
    return this.#words;
  }

  #endWord(): void {
    if (this.#word !== '') this.#words.push(this.#word);
    this.#word = '';
  }
}
