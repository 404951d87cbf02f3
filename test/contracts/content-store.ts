import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import type { ContentStore } from '../../src/content/index.ts';
import { type Digest, describe, digestOf, MediaType } from '../../src/oci/index.ts';

/** A store of a test's own, and where its half-written files are. */
export interface ContentStoreFixture {
  readonly content: ContentStore;
  readonly ingest: string;
  dispose(): Promise<void>;
}

/** What every content store must do. Each test takes a fresh one. */
export function testContentStore(name: string, open: () => Promise<ContentStoreFixture>): void {
  const testStore = (title: string, run: (t: ExecutionContext, fixture: ContentStoreFixture) => Promise<void>): void =>
    test(`${name}: ${title}`, async (t) => {
      const fixture = await open();
      t.teardown(() => fixture.dispose());
      await run(t, fixture);
      t.deepEqual(readdirSync(fixture.ingest), [], 'nothing half-written stays');
    });

  testStore('gives back what was ingested', async (t, { content }) => {
    const bytes = randomBytes(3_000_000);
    const blob = { digest: digestOf(bytes), size: bytes.byteLength };
    const seen: number[] = [];
    t.is(content.stat(blob.digest), undefined);
    await content.ingest(blob, chunksOf(bytes, 70_000), { onProgress: (current) => seen.push(current) });
    t.deepEqual(content.stat(blob.digest), blob);
    t.true((await collect(content.open(blob.digest))).equals(bytes));
    t.true((await collect(content.open(blob.digest, 2_999_990))).equals(bytes.subarray(2_999_990)));
    t.true(readFileSync(content.path(blob.digest)).equals(bytes));
    t.is(seen.at(-1), bytes.byteLength);
    t.deepEqual([...content.list()], [blob]);
  });

  testStore('takes sha512 and the empty blob', async (t, { content }) => {
    const bytes = Buffer.from('hello');
    const digest: Digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
    await content.ingest({ digest, size: 5 }, chunksOf(bytes, 2));
    t.is((await content.read(digest, 5)).toString(), 'hello');
    const empty = describe(MediaType.ociLayer, Buffer.alloc(0));
    await content.ingest(empty, Readable.from([]));
    t.is(content.stat(empty.digest)?.size, 0);
  });

  testStore('refuses other bytes than were announced', async (t, { content }) => {
    const bytes = randomBytes(100_000);
    const { digest } = describe('x', bytes);
    const wrong = digestOf('something else');
    await t.throwsAsync(content.ingest({ digest: wrong, size: 100_000 }, chunksOf(bytes, 999)), {
      code: 'DIGEST_MISMATCH',
    });
    await t.throwsAsync(content.ingest({ digest, size: 100_001 }, chunksOf(bytes, 999)), { code: 'SIZE_MISMATCH' });
    await t.throwsAsync(content.ingest({ digest, size: 99_999 }, chunksOf(bytes, 999)), { code: 'SIZE_MISMATCH' });
    t.deepEqual([...content.list()], []);
  });

  testStore('stops reading a stream without end', async (t, { content }) => {
    let given = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          given += 65_536;
          yield Buffer.alloc(65_536);
        }
      })(),
    );
    await t.throwsAsync(content.ingest({ digest: digestOf('x'), size: 1_000_000 }, endless), { code: 'SIZE_MISMATCH' });
    t.true(given < 4_000_000, `${given} bytes were taken of a blob of 1,000,000`);
    t.true(endless.destroyed);
  });

  testStore('passes on the error of a source, and an abort', async (t, { content }) => {
    const failing = (async function* () {
      yield Buffer.alloc(10);
      throw new Error('the line broke');
    })();
    const blob = { digest: digestOf('x'), size: 100 };
    await t.throwsAsync(content.ingest(blob, failing), { message: 'the line broke' });
    const controller = new AbortController();
    const silent = new Readable({ read() {} });
    const ingesting = content.ingest(blob, silent, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 20);
    await t.throwsAsync(ingesting, { message: 'enough' });
    t.true(silent.destroyed);
  });

  testStore('does not read the source of what it has', async (t, { content }) => {
    const bytes = Buffer.from('once');
    const descriptor = await content.put('text/plain', bytes);
    t.deepEqual(descriptor, describe('text/plain', bytes));
    let reads = 0;
    const source = new Readable({
      read() {
        reads++;
        this.push(null);
      },
    });
    await content.ingest(descriptor, source);
    t.is(reads, 0);
    t.true(source.destroyed);
    await t.throwsAsync(content.ingest({ ...descriptor, size: 5 }, Readable.from([])), { code: 'SIZE_MISMATCH' });
  });

  testStore('takes the same blob from many at once', async (t, { content }) => {
    const bytes = randomBytes(1_000_000);
    const blob = { digest: digestOf(bytes), size: bytes.byteLength };
    await Promise.all(Array.from({ length: 8 }, (_, i) => content.ingest(blob, chunksOf(bytes, 10_000 + i))));
    t.true((await content.read(blob.digest, 1_000_000)).equals(bytes));
  });

  testStore('adopts a file that somebody else wrote', async (t, { content }) => {
    const bytes = Buffer.from('written natively');
    const info = { digest: digestOf(bytes), size: bytes.byteLength };
    const path = await content.temporaryPath();
    writeFileSync(path, bytes);
    await content.adopt(path, info);
    t.is((await content.read(info.digest, 100)).toString(), 'written natively');
    t.false(existsSync(path));
    const [again, short] = [await content.temporaryPath(), await content.temporaryPath()];
    t.not(again, short);
    writeFileSync(again, bytes);
    await content.adopt(again, info);
    t.false(existsSync(again));
    writeFileSync(short, 'shorter');
    await t.throwsAsync(content.adopt(short, { digest: digestOf('other'), size: 8 }), { code: 'SIZE_MISMATCH' });
    await t.throwsAsync(content.adopt('/etc/hostname', info), { code: 'CONTENT_PATH_INVALID' });
    t.true(existsSync('/etc/hostname'));
  });

  testStore('reads small blobs whole, with a bound and a check', async (t, { content }) => {
    const { digest } = await content.put('text/plain', Buffer.from('0123456789'));
    await t.throwsAsync(content.read(digest, 9), { code: 'CONTENT_TOO_LARGE' });
    truncateSync(content.path(digest), 4);
    await t.throwsAsync(content.read(digest, 10), { code: 'CONTENT_CORRUPT' });
  });

  testStore('says what it does not have', async (t, { content }) => {
    const digest = digestOf('nothing');
    t.throws(() => content.open(digest), { code: 'CONTENT_NOT_FOUND' });
    t.throws(() => content.path(digest), { code: 'CONTENT_NOT_FOUND' });
    await t.throwsAsync(content.read(digest, 1), { code: 'CONTENT_NOT_FOUND' });
    await (await content.retire([digest]))();
    const kept = await content.put('text/plain', Buffer.from('kept'));
    await (await content.retire([kept.digest]))();
    t.is(content.stat(kept.digest), undefined);
  });

  testStore('never leaves its root for what is not a digest', async (t, { content }) => {
    for (const evil of ['sha256:../../../etc/passwd', '../..:x', `sha256:${'g'.repeat(64)}`, 'md5:00']) {
      t.is(content.stat(evil as Digest), undefined);
      t.throws(() => content.open(evil as Digest), { code: 'CONTENT_NOT_FOUND' });
      await (await content.retire([evil as Digest]))();
    }
  });
}

function chunksOf(bytes: Buffer, size: number): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; at += size) chunks.push(bytes.subarray(at, at + size));
  return Readable.from(chunks);
}

async function collect(stream: Readable): Promise<Buffer> {
  return Buffer.concat(await stream.toArray());
}
