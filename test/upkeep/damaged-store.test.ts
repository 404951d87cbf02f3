// What somebody else has put into a store: records whose fields are of other types, and what is no file in the place of a lock.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { createLayerBlobs } from '../../src/content/index.ts';
import { createImageRecords } from '../../src/images/names/records.ts';
import {
  checkStore,
  diskUsage,
  exportCacheMounts,
  importCacheMounts,
  loadImages,
  pruneStore,
} from '../../src/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { openStore } from '../../src/store/index.ts';
import { withWorkspace } from '../../src/workspace.ts';
import { putImage } from '../content/test-image.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

async function makeRoot(t: ExecutionContext): Promise<string> {
  const work = makeTempDir('damaged');
  t.teardown(() => removeTree(work));
  const root = join(work, 'store');
  await (await openStore(root)).close();
  return root;
}

const DIGEST = digestOf('x');
const IMAGE = {
  name: 'docker.io/library/a:1',
  target: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: DIGEST, size: 1 },
  imageID: DIGEST,
  createdMs: 1,
};

/** Each has one field of a type that it never has. */
const RECORDS: readonly (readonly [table: string, record: unknown])[] = [
  ['images', { ...IMAGE, target: { ...IMAGE.target, digest: 7 } }],
  ['images', { ...IMAGE, target: 'x' }],
  ['images', { ...IMAGE, imageID: { of: 'x' } }],
  ['images', [IMAGE]],
  ['snapshots', { parent: 7, createdMs: 1 }],
  ['snapshots', { parent: null, createdMs: 1, changesOf: ['x'] }],
  ['snapshots', { parent: null, createdMs: 'now' }],
  ['snapshots', 'x'],
  ['cache-records', { snapshots: { 0: 'x' } }],
  ['cache-records', { snapshots: [7] }],
  ['cache-records', { snapshots: ['x'], name: 7 }],
];

test('a record with a field of another type is damage, which fsck mends, and no error of the program', async (t) => {
  for (const [table, record] of RECORDS) {
    const root = await makeRoot(t);
    const store = await openStore(root);
    const key = table === 'images' ? IMAGE.name : DIGEST;
    await store.table(table).put(key, record);
    await store.close();
    const said = `${table} ${JSON.stringify(record)}`;
    for (const look of [diskUsage, pruneStore]) {
      const error = await t.throwsAsync(look({ root }), { code: 'STORE_DAMAGED' }, said);
      t.true(error?.message.includes(`${table}/${key}`), error?.message);
      t.regex(String((error as { hint?: unknown } | undefined)?.hint), /fsck --repair/);
    }
    t.false((await checkStore({ root })).ok, said);
    t.true((await checkStore({ root, repair: true })).ok, said);
    t.deepEqual((await checkStore({ root })).findings, [], said);
    await pruneStore({ root });
  }
});

test('what is no file in the place of a lock is told, and mended', async (t) => {
  for (const name of ['gc.lock', 'upkeep.lock'])
    for (const put of [mkdirSync, (path: string) => symlinkSync('/etc/hostname', path)]) {
      const root = await makeRoot(t);
      const path = join(root, 'locks', name);
      writeFileSync(join(root, 'meta', 'stray'), '');
      rmSync(path, { force: true });
      put(path);
      if (name === 'upkeep.lock') {
        const error = await t.throwsAsync(pruneStore({ root }), { code: 'STORE_DAMAGED' });
        t.true(error?.message.includes(path), error?.message);
      }
      t.false((await checkStore({ root })).ok);
      t.true((await checkStore({ root, repair: true })).ok);
      t.deepEqual((await checkStore({ root })).findings, [], `${name} ${put.name}`);
      await pruneStore({ root });
    }
});

test('what the dead have left goes with the next command that brings something, or takes it away', async (t) => {
  const root = await makeRoot(t);
  const left = join(root, 'ingest', '4194999-0123456789ab.1');
  const place = { type: 'layout', path: join(root, '..', 'place') } as const;
  for (const bring of [
    () => loadImages(Readable.from([Buffer.alloc(1024)]), { root }),
    () => importCacheMounts(['none'], place, { root }),
    () => exportCacheMounts(['none'], place, { root }),
  ]) {
    writeFileSync(left, 'half');
    // There is nothing to bring.
    await t.throwsAsync(bring());
    t.false(existsSync(left), bring.toString());
  }
});

test('tables that are made anew know of no layer what only a manifest says', async (t) => {
  const root = await makeRoot(t);
  // Its config names each layer by the digest of the packed bytes, which is not that of the tar.
  const { manifest, config, layers } = await withWorkspace(root, async ({ store, content }) => {
    const image = await putImage(content);
    await createImageRecords(store, content).assign(['docker.io/library/a:1'], image.manifest, image.config.digest);
    return image;
  });
  rmSync(join(root, 'meta', 'tables.mdb'));
  const { findings } = await checkStore({ root, repair: true });
  t.is(findings[0]?.code, 'tables-damaged');
  await withWorkspace(root, async ({ store, content }) => {
    t.like(createImageRecords(store, content).get('docker.io/library/a:1'), { target: { digest: manifest.digest } });
    t.not(content.stat(config.digest), undefined);
    for (const { digest } of layers) t.deepEqual(createLayerBlobs(store, content).known(digest), []);
  });
});
