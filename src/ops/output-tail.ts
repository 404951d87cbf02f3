const MAX_LINES = 20;
const MAX_BYTES = 16 * 1024;

/** Keeps the end of a process's output, for its error: some last lines, and never more than a few KiB of them. */
export class OutputTail {
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Uint8Array): void {
    const kept = Buffer.from(chunk.subarray(Math.max(0, chunk.length - MAX_BYTES)));
    this.#chunks.push(kept);
    this.#size += kept.length;
    // Joined only now and then, so that a talkative process costs a copy of its output and no more.
    if (this.#size > 4 * MAX_BYTES || this.#chunks.length > 4096) this.#chunks = [this.#join()];
  }

  text(): string {
    return this.#join().toString('utf8').trimEnd().split('\n').slice(-MAX_LINES).join('\n');
  }

  #join(): Buffer {
    const all = Buffer.concat(this.#chunks);
    const end = all.subarray(Math.max(0, all.length - MAX_BYTES));
    this.#size = end.length;
    return end;
  }
}
