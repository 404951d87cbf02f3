import type { Context } from '../context.ts';
import { unsupportedFlag, usageError } from '../usage-errors.ts';

/** More than any Dockerfile; a context that is sent by mistake is not read whole. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Reads a Dockerfile from standard input; refuses archives, which docker takes as contexts there. */
export async function readDockerfileFromStdin(context: Context, what: string): Promise<string> {
  const { stdin } = context;
  if (stdin.isTTY)
    throw usageError(`${what} is to come from standard input, which is the terminal`, 'redirect it: < Dockerfile');
  const chunks: Buffer[] = [];
  let size = 0;
  let checked = false;
  const refuseArchive = (): void => {
    checked = true;
    const kind = archiveKind(Buffer.concat(chunks));
    if (kind !== undefined)
      throw unsupportedFlag(`${kind} on standard input as build context`, 'unpack it and give the directory');
  };
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (!checked && size >= MAGIC_BYTES) refuseArchive();
    if (size > MAX_BYTES) throw usageError(`a Dockerfile of more than ${MAX_BYTES} bytes on standard input`);
  }
  if (!checked) refuseArchive();
  return Buffer.concat(chunks).toString('utf8');
}

/** The beginning of an archive that tells what it is. */
const MAGIC_BYTES = 512;
const MAGIC: readonly (readonly [name: string, offset: number, bytes: string])[] = [
  ['a tar archive', 257, 'ustar'],
  ['a gzip archive', 0, '\x1f\x8b'],
  ['a bzip2 archive', 0, 'BZh'],
  ['an xz archive', 0, '\xfd7zXZ'],
  ['a zstd archive', 0, '\x28\xb5\x2f\xfd'],
];

function archiveKind(bytes: Buffer): string | undefined {
  return MAGIC.find(([, offset, magic]) => bytes.toString('latin1', offset, offset + magic.length) === magic)?.[0];
}
