/** A member as it is to stand in a tar, with fields that no sane tool would write. */
export interface RawMember {
  readonly name: string;
  /** A type flag; a file when absent. */
  readonly type?: string;
  readonly linkname?: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** What the header says, when it lies. */
  readonly size?: number;
}

const BLOCK = 512;

/** A ustar of these members and an end marker. */
export function rawTar(members: readonly RawMember[]): Buffer {
  const blocks: Buffer[] = [];
  for (const member of members) {
    const content = Buffer.from(member.content ?? '');
    const header = Buffer.alloc(BLOCK);
    header.write(member.name, 0, 100);
    putOctal(header, 100, 8, member.mode ?? 0o644);
    putOctal(header, 108, 8, member.uid ?? 0);
    putOctal(header, 116, 8, member.gid ?? 0);
    if (member.size !== undefined && member.size < 0) putBinary(header, 124, 12, member.size);
    else putOctal(header, 124, 12, member.size ?? content.length);
    putOctal(header, 136, 12, member.mtime ?? 1_000_000_000);
    header.write(member.type ?? '0', 156);
    header.write(member.linkname ?? '', 157, 100);
    header.write('ustar\x0000', 257, 'latin1');
    header.fill(' ', 148, 156);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    blocks.push(header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** The content of a PAX header. */
export function paxRecords(records: Readonly<Record<string, string | Uint8Array>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
      let length = body.length;
      while (String(length).length + body.length !== length) length = String(length).length + body.length;
      return Buffer.concat([Buffer.from(String(length)), body]);
    }),
  );
}

function putOctal(header: Buffer, at: number, size: number, value: number): void {
  header.write(`${value.toString(8).padStart(size - 1, '0')}\0`, at);
}

function putBinary(header: Buffer, at: number, size: number, value: number): void {
  header.fill(0xff, at, at + size);
  header.writeInt32BE(value, at + size - 4);
}
