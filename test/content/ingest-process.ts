import { Readable } from 'node:stream';
import { createContentStore } from '../../src/content/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { openStore } from '../../src/store/index.ts';

/** A program for tests of several processes: ingests a blob of sevens, whole, or half of it and then nothing more. */
const [root = '', digest = '', size = '0', mode] = process.argv.slice(2);
const bytes = Buffer.alloc(Number(size), 7);
const store = await openStore(root);
const content = createContentStore(store);
const source =
  mode === 'whole'
    ? Readable.from([bytes])
    : Readable.from(
        (async function* () {
          yield bytes.subarray(0, bytes.byteLength >> 1);
          process.send?.('half');
          await new Promise((resolve) => setTimeout(resolve, 60_000));
        })(),
      );
await content.ingest({ digest: digest as Digest, size: bytes.byteLength }, source);
await store.close();
process.disconnect?.();
