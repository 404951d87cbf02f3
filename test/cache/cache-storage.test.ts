import test from 'ava';
import { type CacheRecord, createCacheStorage } from '../../src/cache/index.ts';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import { openStore } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const id = digestOf('identity');
const info = { name: 'RUN make', vertex: digestOf('vertex') };
const [selector, content] = [digestOf('selector'), digestOf('content')];

async function openCache() {
  const root = makeTempDir('cache');
  const store = await openStore(root);
  const snapshotter = createOverlaySnapshotter(store, native);
  const snapshot = async () => {
    const { name } = await (await snapshotter.prepare(undefined)).commit();
    return { kind: 'snapshot', name } as const;
  };
  const close = async () => {
    await store.close();
    removeTree(root);
  };
  return { root, store, snapshotter, snapshot, close, cache: createCacheStorage(store, snapshotter) };
}

test('what is saved is loaded, by another process too, outputs in order', async (t) => {
  const { store, snapshotter, cache, snapshot, close } = await openCache();
  t.is(await cache.load(id), undefined);
  const results = [await snapshot(), { kind: 'snapshot', name: undefined } as const, await snapshot()];
  await cache.save(id, results, info);
  t.deepEqual(await cache.load(id), results);
  t.deepEqual(await createCacheStorage(store, snapshotter).load(id), results);
  await close();
});

test('a name is kept as it may be', async (t) => {
  const { store, snapshotter, snapshot, close } = await openCache();
  const maskName = (name: string) => name.replaceAll('sesame', '***');
  const cache = createCacheStorage(store, snapshotter, { maskName });
  await cache.save(id, [await snapshot()], { ...info, name: 'WORKDIR /sesame' });
  t.is(store.table<CacheRecord>('cache-records').get(id)?.name, 'WORKDIR /***');
  await close();
});

test('a record is a miss when one of its snapshots is gone', async (t) => {
  const { snapshotter, cache, snapshot, close } = await openCache();
  const [first, second] = [await snapshot(), await snapshot()];
  await cache.save(id, [first, second], info);
  await (await snapshotter.retire([second.name]))();
  t.is(await cache.load(id), undefined);
  await close();
});

test('a content digest belongs to the stored result', async (t) => {
  const { store, snapshotter, cache, snapshot, close } = await openCache();
  const [first, second] = [await snapshot(), await snapshot()];
  await cache.save(id, [first], info);
  cache.saveContentDigest(first, selector, content);
  t.is(cache.contentDigest(id, 0, selector), content);
  t.is(cache.contentDigest(id, 1, selector), undefined);
  t.is(cache.contentDigest(id, 0, digestOf('other')), undefined);
  await cache.flush();
  const later = createCacheStorage(store, snapshotter);
  t.is(later.contentDigest(id, 0, selector), content);
  await later.save(id, [second], info);
  t.is(later.contentDigest(id, 0, selector), undefined);
  await close();
});

test('a local directory is never stored', async (t) => {
  const { cache, close } = await openCache();
  await t.throwsAsync(cache.save(id, [{ kind: 'local', directory: '/' }], info), { code: 'OP_INVALID' });
  await close();
});

test('flush writes down what was used, and nothing when that is known', async (t) => {
  const { store, cache, snapshot, close } = await openCache();
  await cache.save(id, [await snapshot()], info);
  const records = store.table<CacheRecord>('cache-records');
  const fresh = records.get(id);
  cache.touch(id);
  cache.touch(digestOf('unknown'));
  await cache.flush();
  t.deepEqual(records.get(id), fresh);
  await records.update(id, (record) => record && { ...record, lastUsedMs: 1 });
  await cache.load(id);
  await cache.flush();
  t.true((records.get(id)?.lastUsedMs ?? 0) > 1);
  t.is(records.get(digestOf('unknown')), undefined);
  await close();
});

test('what a definition led to is seen at once, and by others after a flush; unchanged it is not written', async (t) => {
  const { store, snapshotter, cache, snapshot, close } = await openCache();
  const result = await snapshot();
  await cache.save(id, [result, { kind: 'snapshot', name: undefined }], info);
  t.is(cache.nameOf(result), result.name);
  t.is(cache.storedName(id, 0), result.name);
  t.is(cache.storedName(id, 1), cache.nameOf({ kind: 'snapshot', name: undefined }));
  t.is(cache.storedName(id, 2), undefined);
  const [definition, record] = [digestOf('definition'), { identity: id, inputs: [{ identity: id, content }] }];
  cache.saveDefinition(definition, record);
  t.deepEqual(cache.definition(definition), record);
  await cache.flush();
  let puts = 0;
  const counting: Pick<typeof store, 'table'> = {
    table: <V>(name: string) => {
      const table = store.table<V>(name);
      return {
        ...table,
        put: (key: string, value: V) => {
          puts++;
          return table.put(key, value);
        },
      };
    },
  };
  const later = createCacheStorage(counting, snapshotter);
  t.deepEqual(later.definition(definition), record);
  later.saveDefinition(definition, record);
  await later.flush();
  t.is(puts, 0);
  await close();
});
