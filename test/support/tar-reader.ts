/**
 * Reads tars for tests, whole and in memory. It shares no code with the product and takes no shortcut that could hide a
 * fault: PAX values stay bytes (a binary xattr is not text), numbers may be base-256, and what it does not know is an error.
 */

export type TarType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';

export interface TarEntry {
  /** As written, without a trailing slash. */
  readonly name: string;
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, with a fraction where PAX has one. */
  readonly mtime: number;
  readonly linkname: string;
  readonly rdev: string | undefined;
  /** Values in hexadecimal. */
  readonly xattrs: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

const BLOCK = 512;
const TYPES: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
};

export function* readTar(tar: Buffer): Generator<TarEntry> {
  let globals = new Map<string, Buffer>();
  let locals = new Map<string, Buffer>();
  let offset = 0;
  while (offset + BLOCK <= tar.length) {
    const header = tar.subarray(offset, offset + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, offset);
    const flag = String.fromCharCode(header[156] ?? 0);
    const pax = flag === 'x' || flag === 'g' ? undefined : locals.get('size');
    const size = pax === undefined ? readNumber(header, 124, 12) : Number(pax.toString());
    const content = tar.subarray(offset + BLOCK, offset + BLOCK + size);
    if (content.length !== size) throw new Error(`tar ends inside the entry at ${offset}`);
    offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK;

    if (flag === 'x') locals = new Map([...locals, ...readPax(content)]);
    else if (flag === 'g') globals = new Map([...globals, ...readPax(content)]);
    else if (flag === 'L') locals.set('path', trimNul(content));
    else if (flag === 'K') locals.set('linkpath', trimNul(content));
    else {
      const type = TYPES[flag];
      if (type === undefined) throw new Error(`tar entry of type ${JSON.stringify(flag)} at ${offset}`);
      yield readEntry(header, type, new Map([...globals, ...locals]), content);
      locals = new Map();
    }
  }
}

function readEntry(header: Buffer, type: TarType, pax: ReadonlyMap<string, Buffer>, content: Buffer): TarEntry {
  const text = (key: string): string | undefined => pax.get(key)?.toString();
  const number = (key: string, at: number, length: number): number =>
    Number(text(key) ?? readNumber(header, at, length));
  const ustar = header.toString('latin1', 257, 262) === 'ustar' && header[262] === 0;
  const prefix = ustar ? readString(header, 345, 155) : '';
  const shortName = readString(header, 0, 100);
  const name = text('path') ?? (prefix === '' ? shortName : `${prefix}/${shortName}`);
  const xattrs: Record<string, string> = {};
  for (const [key, value] of pax) {
    const attribute = /^(?:SCHILY\.xattr\.|LIBARCHIVE\.xattr\.)(.+)$/.exec(key)?.[1];
    if (attribute !== undefined) xattrs[attribute] = value.toString('hex');
    if (key.startsWith('GNU.sparse')) throw new Error(`${name} is a GNU sparse file`);
  }
  return {
    name: name.replace(/\/+$/, ''),
    // Before ustar, a folder was a file whose name ends in a slash.
    type: type === 'file' && name.endsWith('/') ? 'directory' : type,
    mode: readNumber(header, 100, 8) & 0o7777,
    uid: number('uid', 108, 8),
    gid: number('gid', 116, 8),
    mtime: number('mtime', 136, 12),
    linkname: text('linkpath') ?? readString(header, 157, 100),
    rdev:
      type === 'char' || type === 'block' ? `${readNumber(header, 329, 8)}:${readNumber(header, 337, 8)}` : undefined,
    xattrs,
    content,
  };
}

/** Records are `<length> <key>=<value>\n`; the length counts bytes and includes itself. */
function readPax(content: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  let offset = 0;
  while (offset < content.length) {
    const space = content.indexOf(0x20, offset);
    const length = Number(content.toString('latin1', offset, space));
    const record = content.subarray(space + 1, offset + length - 1);
    const equals = record.indexOf(0x3d);
    if (space < 0 || !(length > 0) || equals < 0) throw new Error('a PAX record is malformed');
    records.set(record.toString('utf8', 0, equals), record.subarray(equals + 1));
    offset += length;
  }
  return records;
}

function readNumber(header: Buffer, at: number, length: number): number {
  const first = header[at] ?? 0;
  if (first & 0x80) {
    let value = BigInt(first & 0x7f);
    for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(header[at + i] ?? 0);
    // All bits set above mark a negative number, which only a time before 1970 is.
    if (first === 0xff) value -= 1n << BigInt(length * 8 - 1);
    return Number(value);
  }
  const digits = readString(header, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error(`${JSON.stringify(digits)} is not an octal number`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function readString(header: Buffer, at: number, length: number): string {
  return trimNul(header.subarray(at, at + length)).toString();
}

function trimNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function checkSum(header: Buffer, offset: number): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i] ?? 0;
  const stored = readNumber(header, 148, 8);
  if (sum !== stored) throw new Error(`tar header at ${offset} has checksum ${stored}, expected ${sum}`);
}
