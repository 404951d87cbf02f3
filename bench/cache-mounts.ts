// How long a cache mount of 5,000 files, 300 MB, takes to travel, against what people do by hand: tar and zstd.
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCacheMounts } from '../src/cache/index.ts';
import { exportCacheMounts, importCacheMounts } from '../src/index.ts';
import { native } from '../src/native/index.ts';
import { openStore } from '../src/store/index.ts';
import { exec } from '../test/support/exec.ts';
import { startRegistry } from '../test/support/registry.ts';
import { makeTempDir, removeTree } from '../test/support/temp.ts';

const FILES = 5000;
const BYTES = 60_000;
const RUNS = 5;

/** As archives of packages are, mostly: two thirds of each file cannot be compressed. */
function fill(data: string): void {
  for (let i = 0; i < FILES; i++) {
    const directory = join(data, `pkg-${i % 250}`, 'v1.0');
    mkdirSync(directory, { recursive: true });
    const content = Buffer.alloc(BYTES, `line of file ${i}\n`);
    randomBytes((BYTES * 2) / 3).copy(content);
    writeFileSync(join(directory, `file-${i}`), content);
  }
}

async function makeMount(root: string): Promise<string> {
  const store = await openStore(root);
  const lease = await createCacheMounts(store, native).acquire({
    id: '/bench',
    sharing: 'shared',
    mode: 0o755,
    uid: 0,
    gid: 0,
    signal: new AbortController().signal,
  });
  const data = lease.mount.upper ?? '';
  fill(data);
  lease.release();
  await store.close();
  return data;
}

/** Median seconds. */
async function time(name: string, prepare: () => unknown, work: () => Promise<unknown>): Promise<void> {
  const seconds: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    await prepare();
    const startedMs = performance.now();
    await work();
    seconds.push((performance.now() - startedMs) / 1000);
  }
  const median = seconds.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
  console.log(`${name.padEnd(52)} ${median.toFixed(3)} s`);
}

async function main(): Promise<void> {
  const work = makeTempDir('bench');
  const registry = await startRegistry();
  try {
    const root = join(work, 'store');
    const data = await makeMount(root);
    const layout = { type: 'layout', path: join(work, 'layout') } as const;
    const place = { type: 'registry', ref: `${registry.host}/caches:1` } as const;
    const archive = join(work, 'by-hand.tar.zst');
    const options = { root };
    /** What is remembered of the parts is gone, as on the first export. */
    const forget = (): void => rmSync(join(data, '../parts.json'), { force: true });
    const emptyStore = (): void => rmSync(join(work, 'other'), { recursive: true, force: true });
    const other = { root: join(work, 'other') };

    await time(
      'tar | zstd -T0',
      () => {},
      () => exec('sh', ['-c', `tar c -C "${data}" . | zstd -q -T0 -f -o "${archive}"`]),
    );
    await time(
      'export to a directory',
      () => {
        forget();
        rmSync(layout.path, { recursive: true, force: true });
      },
      () => exportCacheMounts('all', layout, options),
    );
    await time(
      'export to a directory, unchanged',
      () => {},
      () => exportCacheMounts('all', layout, options),
    );
    const first = await exportCacheMounts('all', place, options);
    await time(
      'export to a registry, unchanged',
      () => {},
      () => exportCacheMounts('all', place, options),
    );
    let changed = 0;
    let sent = 0;
    await time(
      'export to a registry, 1 % more',
      () => writeFileSync(join(data, 'pkg-7', `new-${changed++}`), randomBytes(3_000_000)),
      async () => {
        sent = (await exportCacheMounts('all', place, options)).sentBytes;
      },
    );
    console.log(
      `${'  … of which are sent'.padEnd(52)} ${(sent / 1e6).toFixed(1)} of ${(first.sentBytes / 1e6).toFixed(1)} MB`,
    );
    console.log(`${'  by hand'.padEnd(52)} ${(statSync(archive).size / 1e6).toFixed(1)} MB`);
    const unpacked = join(work, 'unpacked');
    await time(
      'zstd -d | tar x',
      () => {
        removeTree(unpacked);
        mkdirSync(unpacked);
      },
      () => exec('sh', ['-c', `zstd -q -dc "${archive}" | tar x -C "${unpacked}"`]),
    );
    await time('import from a directory', emptyStore, () => importCacheMounts('all', layout, other));
    await time('import from a registry', emptyStore, () => importCacheMounts('all', place, other));
    await time(
      'import from a registry, up to date',
      () => {},
      () => importCacheMounts('all', place, other),
    );
  } finally {
    await registry.stop();
    removeTree(work);
  }
}

await main();
