import { readWhole } from '../whole-files.ts';

/**
 * What a content digest was made of, as native/fs/tree_list.cc writes it. The file: `tsblist1`, a byte of flags (1: owners are in it), then
 * entries, each begun by a byte: `S` begins the next selection; `E` ends the list, `T` ends one that was cut short; every other is
 * the type of a path (f file, d directory, l symlink, p fifo, s socket, c and b devices), followed by what the path shares with the
 * one before it (a length), the rest of the path, the permission bits, with owners uid and gid, for a file its size and the 32 bytes of
 * its SHA-256, for a symlink its target, for a device its two numbers, and the number of extended attributes with, where there are
 * any, 32 bytes of their digest. Numbers are LEB128, texts have their length before them.
 */
export interface FileList {
  readonly selections: readonly ReadonlyMap<string, ListedFile>[];
  /** There were more entries than a list has room for. */
  readonly truncated: boolean;
}

export interface ListedFile {
  /** One letter, as find(1) has them. */
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  /** Absent where owners are no part of the digest. */
  readonly owner?: string;
  readonly size?: number;
  /** Of a file `sha256:…`, of a symlink its target, of a device `major:minor`. */
  readonly content: string;
  /** Digest of the extended attributes; empty: there are none. */
  readonly xattrs: string;
}

const MAGIC = 'tsblist1';
/** What the writer lets a list grow to, and a little. */
const MAX_BYTES = 33 * 1024 * 1024;

/** Reads a list. `undefined` where there is none, or where the file is none: nothing depends on it. */
export function readFileList(path: string): FileList | undefined {
  const data = readWhole(path, MAX_BYTES);
  if (data === undefined || data.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  try {
    return new Reader(data).read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Throws a RangeError where the bytes are no list. */
class Reader {
  readonly #data: Buffer;
  #at = MAGIC.length;

  constructor(data: Buffer) {
    this.#data = data;
  }

  read(): FileList {
    const hasOwners = (this.#byte() & 1) !== 0;
    const selections: Map<string, ListedFile>[] = [];
    let previous = Buffer.alloc(0);
    for (;;) {
      const type = String.fromCharCode(this.#byte());
      if (type === 'E' || type === 'T') return { selections, truncated: type === 'T' };
      if (type === 'S') {
        selections.push(new Map());
        previous = Buffer.alloc(0);
        continue;
      }
      if (!'fdlpscb'.includes(type)) throw new RangeError('no such type');
      const shared = this.#number();
      if (shared > previous.length) throw new RangeError('shares more than there is');
      previous = Buffer.concat([previous.subarray(0, shared), this.#bytes(this.#number())]);
      selections.at(-1)?.set(previous.toString(), this.#entry(type, hasOwners));
    }
  }

  #entry(type: string, hasOwners: boolean): ListedFile {
    const mode = this.#number();
    const owner = hasOwners ? { owner: `${this.#number()}:${this.#number()}` } : {};
    const size = type === 'f' ? { size: this.#number() } : {};
    const content = this.#content(type);
    const xattrs = this.#number() === 0 ? '' : this.#hex();
    return { type, mode, ...owner, ...size, content, xattrs };
  }

  #content(type: string): string {
    if (type === 'f') return `sha256:${this.#hex()}`;
    if (type === 'l') return this.#bytes(this.#number()).toString();
    return type === 'c' || type === 'b' ? `${this.#number()}:${this.#number()}` : '';
  }

  #hex(): string {
    return this.#bytes(32).toString('hex');
  }

  #bytes(length: number): Buffer {
    if (this.#at + length > this.#data.length) throw new RangeError('cut short');
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }

  #byte(): number {
    const byte = this.#data[this.#at++];
    if (byte === undefined) throw new RangeError('cut short');
    return byte;
  }

  #number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) throw new RangeError('too large');
      if (byte < 0x80) return value;
    }
  }
}
