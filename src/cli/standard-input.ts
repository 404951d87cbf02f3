import type { Context } from './context.ts';

/** More than any Dockerfile; a file that is sent by mistake is not read whole. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024;

/** All of standard input; `undefined` where it has more than `MAX_INPUT_BYTES`. */
export async function readStandardInput({ stdin }: Context): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_INPUT_BYTES) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
