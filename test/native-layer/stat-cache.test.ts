// What is remembered of a context's files between builds (native/fs/stat_cache.h): that it saves the reading, and never lies.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { native } from '../../src/native/index.ts';
import type { HashTreeRequest, HashTreeResult } from '../../src/native/types.ts';
import { listStatCaches, statCachePath } from '../../src/source/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTestDir } from './tree.ts';

interface Rested {
  readonly root: string;
  readonly caches: string;
  readonly cache: string;
  /** Digests the whole tree. */
  readonly look: (options?: Partial<HashTreeRequest>) => Promise<HashTreeResult>;
  /** The same, with nothing remembered. */
  readonly fresh: () => Promise<HashTreeResult>;
}

/** Longer than a file must have been at rest. */
const REST_MS = 150;

async function makeRested(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<Rested> {
  const base = makeTestDir(t);
  const [root, caches] = [join(base, 'tree'), join(base, 'caches')];
  mkdirSync(root);
  mkdirSync(caches);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  await sleep(REST_MS);
  const cache = statCachePath(caches, root);
  const request: HashTreeRequest = {
    root: { lowers: [root] },
    selections: [{ path: '/', wildcard: true, followSymlinks: true }],
    includeOwner: false,
  };
  return {
    root,
    caches,
    cache,
    look: (options = {}) => native.hashTree({ ...request, statCachePath: cache, ...options }),
    fresh: () => native.hashTree(request),
  };
}

const HEADER_BYTES = 64;
const RECORD_BYTES = 80;
const padded = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
};

/** A stat cache as a program could write it that knows the form. */
function forge(
  context: string,
  records: readonly Buffer[],
  { savedMs = Date.now(), count = records.length } = {},
): Buffer {
  const body = Buffer.concat([padded(context), ...records]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('tsbstat2', 'latin1');
  header.writeBigUInt64LE(BigInt(count), 8);
  header.writeBigInt64LE(BigInt(savedMs) * 1_000_000n, 16);
  header.writeBigUInt64LE(BigInt(Buffer.byteLength(context)), 24);
  createHash('sha256').update(body).digest().copy(header, 32);
  return Buffer.concat([header, body]);
}

function recordOf(inode: number, usedDay: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeBigUInt64LE(7n, 0);
  record.writeBigUInt64LE(BigInt(inode), 8);
  record.writeUInt32LE(usedDay, 40);
  return record;
}

function recordsIn(cache: string): number {
  return Number(readFileSync(cache).readBigUInt64LE(8));
}

testNeeding(['python3'], 'a context of 100,000 files: one walk, and no byte is read again', async (t) => {
  const { root, cache, look } = await makeRested(t, {});
  const program = `
import os, sys
for d in range(100):
    os.mkdir(f'{sys.argv[1]}/{d}')
    for f in range(1000):
        with open(f'{sys.argv[1]}/{d}/{f}', 'w') as out: out.write(f'{d} {f}')
`;
  await exec('python3', ['-c', program, root]);
  await sleep(REST_MS);
  const first = await look();
  t.is(first.files, 100_000);
  t.is(first.bytesRead, first.bytes);
  t.like(await look(), { digest: first.digest, files: 100_000, bytesRead: 0 });
  writeFileSync(join(root, '7/7'), 'other');
  const changed = await look();
  t.not(changed.digest, first.digest);
  t.is(changed.bytesRead, 5);
  t.is(statSync(cache).size, HEADER_BYTES + padded(root).length + 100_000 * RECORD_BYTES);
});

test('several digests of one tree share one walk, as it was when the first looked', async (t) => {
  const { root, look } = await makeRested(t, { a: 'a', b: 'b' });
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'd/f'), 'f');
  const memo = native.createTreeMemo();
  const [whole, inside] = [
    await look({ memo }),
    { selections: [{ path: '/d', wildcard: true, followSymlinks: true }] },
  ];
  const before = await look(inside);
  writeFileSync(join(root, 'd/f'), 'changed');
  writeFileSync(join(root, 'd/new'), '');
  t.is((await look({ memo, ...inside })).digest, before.digest);
  t.is((await look({ memo })).digest, whole.digest);
  t.is((await look({ memo })).bytesRead, 0);
  t.not((await look(inside)).digest, before.digest);
  // What the first one did not need is looked at by the next.
  const other = native.createTreeMemo();
  const exclude = { selections: [{ path: '/', wildcard: true, followSymlinks: true, include: '' }] };
  t.is((await look({ memo: other, ...exclude, ignore: '' })).digest, (await look()).digest);
  // After a failure nothing half-known is left.
  rmSync(join(root, 'd'), { recursive: true });
  const broken = native.createTreeMemo();
  const watch = native.createWatch();
  watch.cancel();
  await t.throwsAsync(look({ memo: broken, watch }), { code: 'ECANCELED' });
  t.is((await look({ memo: broken })).digest, (await look()).digest);
});

test('a file that changes again and again in one tick of the clock is always seen', async (t) => {
  const { root, look, fresh } = await makeRested(t, { a: '0000' });
  const path = join(root, 'a');
  const { atime, mtime } = statSync(path);
  for (let i = 0; i < 200; i++) {
    writeFileSync(path, String(i).padStart(4, '0'));
    // Same size, same time: the change time alone could tell, and that has not moved on either.
    utimesSync(path, atime, mtime);
    t.is((await look()).digest, (await fresh()).digest, `after change ${i}`);
  }
});

test('another file in the place of one, with its size and time', async (t) => {
  const { root, look, fresh } = await makeRested(t, { a: 'old!', b: 'kept' });
  const { digest } = await look();
  const { atime, mtime } = statSync(join(root, 'a'));
  writeFileSync(join(root, 'new'), 'new!');
  utimesSync(join(root, 'new'), atime, mtime);
  renameSync(join(root, 'new'), join(root, 'a'));
  const replaced = await look();
  t.not(replaced.digest, digest);
  t.is(replaced.digest, (await fresh()).digest);
  t.is(replaced.bytesRead, 4);
});

test('files swapped for each other', async (t) => {
  const { root, look, fresh } = await makeRested(t, { a: 'one!', b: 'two!' });
  const { digest } = await look();
  for (const [from, to] of [
    ['a', 'c'],
    ['b', 'a'],
    ['c', 'b'],
  ] as const)
    renameSync(join(root, from), join(root, to));
  const swapped = await look();
  t.not(swapped.digest, digest);
  t.is(swapped.digest, (await fresh()).digest);
});

test('a time that lies ahead is not believed, and nothing that was saved later than now', async (t) => {
  const { root, cache, look } = await makeRested(t, { a: 'aaaa', b: 'bbbb' });
  const ahead = Date.now() / 1000 + 3600;
  utimesSync(join(root, 'a'), ahead, ahead);
  await sleep(REST_MS);
  await look();
  t.is((await look()).bytesRead, 4, 'a file of the future is read each time');
  utimesSync(join(root, 'a'), 1, 1);
  await sleep(REST_MS);
  await look();
  t.is((await look()).bytesRead, 0);
  const bytes = readFileSync(cache);
  bytes.writeBigInt64LE(BigInt(Date.now() + 60_000) * 1_000_000n, 16);
  writeFileSync(cache, bytes);
  t.is((await look()).bytesRead, 8, 'the clock went back since');
  t.is((await look()).bytesRead, 0);
});

testNeeding(
  ['python3'],
  'what is no stat cache: cut short, damaged, of another context, a pipe, a link, endless',
  async (t) => {
    const { root, cache, look } = await makeRested(t, { a: 'aaaa', b: 'bbbb' });
    const { digest } = await look();
    const good = readFileSync(cache);
    const records = [good.subarray(-2 * RECORD_BYTES, -RECORD_BYTES), good.subarray(-RECORD_BYTES)];
    t.deepEqual(good, forge(root, records, { savedMs: 0 }).fill(good.subarray(16, 24), 16, 24), 'the form is known');
    const places: Record<string, () => unknown> = {
      'another context': () => writeFileSync(cache, forge(`${root}2`, records)),
      'a count that is too large': () => writeFileSync(cache, forge(root, records, { count: 2 ** 50 })),
      'a count that is too small': () => writeFileSync(cache, forge(root, records, { count: 1 })),
      'a text': () => writeFileSync(cache, 'x'.repeat(1000)),
      'a pipe': () => exec('python3', ['-c', `import os; os.mkfifo(${JSON.stringify(cache)})`]),
      'a link to something endless': () => symlinkSync('/dev/zero', cache),
      'a link to nothing': () => symlinkSync('nowhere', cache),
      'a terabyte of nothing': () => {
        writeFileSync(cache, good);
        truncateSync(cache, 2 ** 40);
      },
    };
    for (let size = 0; size < good.length; size += 7)
      places[`its first ${size} bytes`] = () => writeFileSync(cache, good.subarray(0, size));
    for (let at = 32; at < good.length; at += 5) {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      places[`another byte ${at}`] = () => writeFileSync(cache, bytes);
    }
    for (const [place, make] of Object.entries(places)) {
      rmSync(cache, { force: true });
      await make();
      t.like(await look(), { digest, bytesRead: 8 }, place);
      t.like(await look(), { digest, bytesRead: 0 }, `${place}: mended`);
    }
  },
);

test('records that lie out of order are found or not, and nothing worse', async (t) => {
  const { root, cache, look } = await makeRested(t, { a: 'aaaa', b: 'bbbb', c: 'cccc' });
  const { digest } = await look();
  const good = readFileSync(cache);
  const records = [3, 2, 1].map((i) =>
    good.subarray(good.length - i * RECORD_BYTES, good.length - (i - 1) * RECORD_BYTES),
  );
  writeFileSync(cache, forge(root, records.toReversed()));
  t.is((await look()).digest, digest);
});

test('many looks at once, and what one that was killed left behind', async (t) => {
  const { root, caches, cache, look, fresh } = await makeRested(t, { a: 'aaaa', b: 'bbbb' });
  writeFileSync(`${cache}.new`, 'half-written');
  for (let i = 0; i < 20; i++) {
    writeFileSync(join(root, 'a'), `${i}`.padEnd(4));
    utimesSync(join(root, 'a'), 1, 1);
    const answers = await Promise.all(Array.from({ length: 6 }, () => look()));
    const { digest } = await fresh();
    t.deepEqual(new Set(answers.map((answer) => answer.digest)), new Set([digest]));
  }
  await sleep(REST_MS);
  await look();
  t.is((await look()).bytesRead, 0);
  t.deepEqual(readdirSync(caches), [cache.slice(caches.length + 1)]);
});

test('entries that nothing asks for go: after a month, and earlier when they are many', async (t) => {
  const { root, cache, look } = await makeRested(t, { a: 'aaaa' });
  const today = Math.floor(Date.now() / 86_400_000);
  const old = Array.from({ length: 1000 }, (_, i) => recordOf(i, today - 31));
  const recent = Array.from({ length: 1000 }, (_, i) => recordOf(5000 + i, today - 29));
  writeFileSync(cache, forge(root, [...old, ...recent]));
  await look();
  t.is(recordsIn(cache), 1001);
  const many = Array.from({ length: 300_000 }, (_, i) => recordOf(i, today - (i % 20)));
  writeFileSync(cache, forge(root, many));
  await look();
  t.is(recordsIn(cache), 250_000);
  t.is((await look()).bytesRead, 0, 'what was used last is kept');
});

test('whose they are: listed with their contexts, so that those of contexts that are gone can be removed', async (t) => {
  const { root, caches, cache, look } = await makeRested(t, { a: 'aaaa' });
  await look();
  t.like(listStatCaches(caches), [{ path: cache, bytes: statSync(cache).size, context: root, isOrphan: false }]);
  writeFileSync(`${cache}.kind`, readFileSync(cache));
  t.deepEqual(
    listStatCaches(caches).map(({ context }) => context),
    [root, root],
  );
  const gone = statCachePath(caches, '/no/such/directory');
  writeFileSync(gone, forge('/no/such/directory', []));
  // Named after a context that is another's: nobody would read it.
  const lies = statCachePath(caches, '/');
  writeFileSync(lies, forge(root, []));
  writeFileSync(join(caches, 'garbage'), 'x');
  writeFileSync(`${cache}.new`, 'half-written');
  symlinkSync('/dev/zero', join(caches, 'link'));
  const orphans = listStatCaches(caches).filter(({ isOrphan }) => isOrphan);
  const found = Object.fromEntries(orphans.map(({ path, context }) => [path, context]));
  t.deepEqual(found, {
    [gone]: '/no/such/directory',
    [lies]: undefined,
    [join(caches, 'garbage')]: undefined,
    [`${cache}.new`]: undefined,
  });
  rmSync(root, { recursive: true });
  t.true(listStatCaches(caches).find(({ path }) => path === cache)?.isOrphan);
  t.deepEqual(listStatCaches(join(caches, 'none')), []);
  t.true(existsSync(cache));
});
