import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';

/** Streams a tar whose entries `fill` adds, in order; `output` is not ended. Rejects with what `fill` or the output fails with, or the signal's reason. */
export async function writeTar(
  output: Writable,
  signal: AbortSignal | undefined,
  fill: (pack: Pack) => Promise<void>,
): Promise<void> {
  const { pack: createPack } = await import('tar-stream');
  const pack = createPack();
  const written = pipeline(pack, output, { end: false, ...(signal && { signal }) });
  try {
    // An output that fails must not leave `fill` waiting for room.
    await Promise.race([fill(pack), written.then(() => {})]);
    pack.finalize();
  } catch (error) {
    pack.destroy(error instanceof Error ? error : undefined);
    await written.catch(() => {});
    throw error;
  }
  await written;
}
