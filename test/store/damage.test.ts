import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { errorCode } from '../../src/errors.ts';
import { native } from '../../src/native/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { Random } from '../stress/random.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const PAGE = 4096;
const KEYS = 300;

/** Tables with leaves, branches, large values, and pages that are free again. */
async function makeTables(root: string): Promise<void> {
  const store = await openStore(root);
  const keys = Array.from({ length: KEYS }, (_, i) => i);
  const recordOf = (i: number) => ({ text: 'x'.repeat(i % 200), large: i % 50 === 0 ? 'y'.repeat(3 * PAGE) : '' });
  await Promise.all(keys.map((i) => store.table(`table-${i % 3}`).put(`key-${i}`, recordOf(i))));
  await Promise.all(keys.filter((i) => i % 5 === 0).map((i) => store.table(`table-${i % 3}`).remove(`key-${i}`)));
  await store.close();
}

/** One way to damage a file, `random` says where. Pages 0 and 1 say where all others are. */
const DAMAGES: readonly ((data: Buffer, random: Random) => void)[] = [
  (data, random) => data.writeUInt8(random.below(256), pageOf(data, random) + random.below(16)),
  (data, random) => data.writeUInt8(random.below(256), pageOf(data, random) + 16 + random.below(64)),
  (data, random) => data.writeUInt8(random.below(256), random.below(data.length)),
  (data, random) => {
    const page = pageOf(data, random);
    for (let i = 0; i < PAGE; i++) data.writeUInt8(random.below(256), page + i);
  },
  (data, random) => {
    const from = pageOf(data, random);
    data.copy(data, pageOf(data, random), from, from + PAGE);
  },
  (data, random) => {
    for (const meta of [0, PAGE]) data.writeUInt8(random.below(256), meta + 16 + random.below(136));
  },
  (data, random) => {
    for (let i = 0; i < 50; i++) data.writeUInt8(random.below(256), 2 * PAGE + random.below(data.length - 2 * PAGE));
  },
];

const pageOf = (data: Buffer, random: Random): number => (2 + random.below(data.length / PAGE - 2)) * PAGE;

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (error) {
    return errorCode(error) ?? String(error);
  }
}

async function useTables(store: Store): Promise<readonly string[]> {
  const codes = [
    await codeOf(() => [...store.table('table-0').entries()]),
    await codeOf(() => {
      for (let i = 0; i < KEYS; i += 7) store.table('table-1').get(`key-${i}`);
    }),
    await codeOf(async () => {
      for (let i = 0; i < 20; i++) await store.table('table-2').put(`key-${i * 3}`, { text: 'z'.repeat(300) });
    }),
  ];
  await store.close();
  return codes;
}

test('pages of the tables that say anything at all are an error: no crash, no endless reading, no writing beside them', async (t) => {
  const work = makeTempDir('damage');
  t.teardown(() => removeTree(work));
  const sound = join(work, 'sound');
  await makeTables(sound);
  const file = join('meta', 'tables.mdb');
  t.is((await native.checkTables(join(sound, file))).damage, '');
  const random = new Random(20_250_101);
  for (let round = 0; round < 140; round++) {
    const root = join(work, `${round}`);
    cpSync(sound, root, { recursive: true });
    const data = readFileSync(join(root, file));
    const damage = DAMAGES[round % DAMAGES.length];
    damage?.(data, random);
    writeFileSync(join(root, file), data);
    const found = await native.checkTables(join(root, file)).then((checked) => checked.damage, String);
    const opened = await openStore(root).then(
      (store) => store,
      (error: unknown) => errorCode(error),
    );
    const codes = typeof opened === 'object' ? await useTables(opened) : [opened];
    for (const code of codes)
      t.true(['ok', 'STORE_DAMAGED', 'STORE_UNAVAILABLE'].includes(`${code}`), `round ${round}: ${code}`);
    // What cannot be written to is seen to be damaged: a repair makes it anew.
    if (codes[2] === 'STORE_DAMAGED') t.not(found, '', `round ${round}`);
    rmSync(root, { recursive: true });
  }
});
