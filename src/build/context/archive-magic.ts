/** The bytes that decide: a tar's first header. */
export const MAGIC_BYTES = 512;

const COMPRESSED: readonly (readonly number[])[] = [
  [0x1f, 0x8b, 0x08],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
];

/**
 * Whether something begins like an archive: compressed by gzip, bzip2, xz or zstd, or with the header of a tar. What begins otherwise is
 * taken for a Dockerfile.
 */
export function looksLikeArchive(beginning: Buffer): boolean {
  return isCompressed(beginning) || isTarHeader(beginning);
}

function isCompressed(beginning: Buffer): boolean {
  return COMPRESSED.some((magic) => magic.every((byte, i) => beginning[i] === byte));
}

const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;

/** By its checksum, which tars of every age have: the sum of the header's bytes, those of the checksum counted as spaces. */
function isTarHeader(block: Buffer): boolean {
  if (block.length < MAGIC_BYTES) return false;
  const end = CHECKSUM_AT + CHECKSUM_BYTES;
  const field = /^[ 0]*([0-7]+)[ \0]/.exec(block.toString('latin1', CHECKSUM_AT, end));
  if (field === null) return false;
  let sum = CHECKSUM_BYTES * 0x20;
  for (let i = 0; i < MAGIC_BYTES; i++) if (i < CHECKSUM_AT || i >= end) sum += block[i] ?? 0;
  return sum === Number.parseInt(field[1] ?? '', 8);
}
