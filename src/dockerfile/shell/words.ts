import { isSpace } from '../text.ts';

/** Collects the words of an expansion: unquoted white space separates, quoted does not. */
export class WordCollector {
  #word = '';
  #inWord = false;
  readonly #words: string[] = [];

  /** Text in which white space separates words. */
  addText(text: string): void {
    for (const char of text) {
      if (!isSpace(char)) {
        this.addRaw(char);
      } else if (this.#inWord && this.#word !== '') {
        this.#words.push(this.#word);
        this.#word = '';
        this.#inWord = false;
      }
    }
  }

  /** Text that is part of the word whatever it is. */
  addRaw(text: string): void {
    this.#word += text;
    this.#inWord = true;
  }

  finish(): string[] {
    if (this.#word !== '') this.#words.push(this.#word);
    this.#word = '';
    return this.#words;
  }
}
