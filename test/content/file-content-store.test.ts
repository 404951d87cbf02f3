import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { createContentStore } from '../../src/content/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { openStore } from '../../src/store/index.ts';
import { testContentStore } from '../contracts/content-store.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTestStore } from './test-store.ts';

testContentStore('content store in files', async () => {
  const { store, content, dispose } = await openTestStore();
  return { content, ingest: store.paths.ingest, dispose };
});

const SIZE = 2_000_000;
const BYTES = Buffer.alloc(SIZE, 7);
const BLOB = { digest: digestOf(BYTES), size: SIZE };

function startIngester(root: string, mode: 'whole' | 'stall'): ChildProcess {
  const program = fileURLToPath(new URL('./ingest-process.js', import.meta.url));
  return fork(program, [root, BLOB.digest, String(SIZE), mode], { execArgv: [] });
}

test('a process killed in the middle of an ingest leaves no blob, and the next sweep its file', async (t) => {
  const { store, content, dispose } = await openTestStore();
  t.teardown(dispose);
  const child = startIngester(store.paths.root, 'stall');
  await once(child, 'message');
  const halfWritten = readdirSync(store.paths.ingest);
  t.is(halfWritten.length, 1);
  await content.sweep();
  t.deepEqual(readdirSync(store.paths.ingest), halfWritten, 'a running process keeps its file');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.is(content.stat(BLOB.digest), undefined);
  t.deepEqual([...content.list()], []);
  await content.sweep();
  t.deepEqual(readdirSync(store.paths.ingest), []);
  await content.ingest(BLOB, Readable.from([BYTES]));
  t.deepEqual(content.stat(BLOB.digest), BLOB);
});

test('several processes ingest the same blob at once', async (t) => {
  const { store, content, dispose } = await openTestStore();
  t.teardown(dispose);
  const children = [1, 2, 3].map(() => startIngester(store.paths.root, 'whole'));
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  t.deepEqual(codes, [0, 0, 0]);
  t.true((await content.read(BLOB.digest, SIZE)).equals(BYTES));
  t.deepEqual(readdirSync(store.paths.ingest), []);
});

test('a sweep leaves alone what no store has named', async (t) => {
  const { store, content, dispose } = await openTestStore();
  t.teardown(dispose);
  writeFileSync(join(store.paths.ingest, 'notes.txt'), 'somebody else');
  await content.sweep();
  t.true(existsSync(join(store.paths.ingest, 'notes.txt')));
});

testNeeding(['root', 'mount'], 'a full disk is an error that names the path, and nothing stays behind', async (t) => {
  const root = makeTempDir('full');
  const ingest = join(root, 'ingest');
  mkdirSync(ingest);
  await exec('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', ingest]);
  t.teardown(async () => {
    await exec('umount', ['-l', ingest]);
    removeTree(root);
  });
  const store = await openStore(root);
  // Teardowns run last one first.
  t.teardown(() => store.close());
  const content = createContentStore(store);
  const error = await t.throwsAsync(content.ingest(BLOB, Readable.from([BYTES])), { code: 'STORE_FULL' });
  t.regex(error?.message ?? '', new RegExp(ingest));
  t.truthy((error as { hint?: string }).hint);
  t.deepEqual(readdirSync(ingest), []);
  t.deepEqual([...content.list()], []);
});
