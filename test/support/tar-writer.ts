/** An entry as it is to stand in a tar, however wrong: names are not looked at. */
export interface RawEntry {
  readonly name: string;
  /** `0` file, `1` hard link, `2` symbolic link, `5` folder. */
  readonly type: '0' | '1' | '2' | '5';
  readonly linkname?: string;
  readonly content?: string | Uint8Array;
}

/** Writes a plain ustar, for tests that need one that no sane tool would write. */
export function writeTar(entries: readonly RawEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const given = entry.content ?? '';
    const content = typeof given === 'string' ? Buffer.from(given) : Buffer.from(given);
    const header = Buffer.alloc(512);
    header.write(entry.name, 0, 100);
    header.write(entry.type === '5' ? '0000755\0' : '0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write(entry.type, 156);
    header.write(entry.linkname ?? '', 157, 100);
    header.write('ustar\x0000', 257, 'latin1');
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
