import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createContentStore } from '../../src/content/index.ts';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import type { SnapshotInfo } from '../../src/snapshot/snapshotter.ts';
import { openStore } from '../../src/store/index.ts';

/**
 * `use <root> <seed> <ms>`: sessions that claim or make chains of snapshots and blobs, and look until the session's end whether what
 * was claimed is whole. `collect <root>`: collects all that nobody holds, again and again.
 */
const [role = '', root = '', seed = '0', ms = '0'] = process.argv.slice(2);
const NAMES = 6;
const DEPTH = 4;

async function useOnce(counts: { claimed: number; missed: number }): Promise<void> {
  const store = await openStore(root);
  const snapshotter = createOverlaySnapshotter(store, native);
  const content = createContentStore(store);
  try {
    const chain = Math.floor(Math.random() * NAMES);
    const nameAt = (level: number): string => `c${chain}-${level}`;
    let parent: string | undefined;
    const mine: string[] = [];
    for (let level = 0; level < DEPTH; level++) {
      const name = nameAt(level);
      let found: SnapshotInfo | undefined = await snapshotter.claim(name);
      if (found === undefined) {
        counts.missed++;
        const active = await snapshotter.prepare(parent);
        writeFileSync(join(active.mount.upper ?? '', 'file'), name);
        found = await active.commit(name);
      } else counts.claimed++;
      mine.push(found.name);
      parent = found.name;
    }
    const linked = chain > 0 ? await linkTo(snapshotter, parent ?? '', `c${chain - 1}-0`) : undefined;
    const bytes = Buffer.from(`blob ${chain}`);
    await content.put('text/plain', bytes);
    for (let look = 0; look < 6; look++) {
      await sleep(Math.random() * 8);
      for (const name of mine) {
        if (snapshotter.stat(name) === undefined) throw new Error(`${name} went while it was held (${seed})`);
        const file = join(snapshotter.view(name).lowers[0] ?? '', 'file');
        if (!existsSync(file) || readFileSync(file, 'utf8') !== name) throw new Error(`${name} is not whole`);
      }
      if (linked !== undefined)
        for (const lower of snapshotter.view(linked).lowers)
          if (!existsSync(lower)) throw new Error(`a part of ${linked} went while it was held`);
      if (content.stat(digestOf(bytes)) === undefined) throw new Error('the blob went while it was held');
    }
  } finally {
    await store.close();
  }
}

/** A layer of another chain on this one; absent where that has just gone. */
async function linkTo(
  snapshotter: ReturnType<typeof createOverlaySnapshotter>,
  parent: string,
  layer: string,
): Promise<string | undefined> {
  if ((await snapshotter.claim(layer)) === undefined) return undefined;
  return (await snapshotter.link(parent, layer)).name;
}

async function collectOnce(): Promise<void> {
  const store = await openStore(root);
  const snapshotter = createOverlaySnapshotter(store, native);
  const content = createContentStore(store);
  const retired = await store.collect(async (held) => {
    const all = new Map(snapshotter.list().map((info) => [info.name, info]));
    const used = new Set<string>();
    const mark = (name: string | undefined): void => {
      const info = name === undefined ? undefined : all.get(name);
      if (info === undefined || used.has(info.name)) return;
      used.add(info.name);
      mark(info.parent);
      mark(info.changesOf);
    };
    for (const name of held) mark(name);
    const going = [...all.keys()].filter((name) => !used.has(name));
    const blobs = [...content.list()].map(({ digest }) => digest).filter((digest) => !held.has(digest));
    return [await snapshotter.retire(going), await content.retire(blobs)];
  });
  for (const remove of retired ?? []) await remove();
  await store.close();
}

if (role === 'use') {
  const counts = { claimed: 0, missed: 0 };
  const end = Date.now() + Number(ms);
  // On a slow machine until something has come of it.
  while (Date.now() < end || counts.claimed <= 5 || counts.missed === 0) await useOnce(counts);
  process.stdout.write(`claimed ${counts.claimed} missed ${counts.missed}\n`);
} else {
  for (;;) {
    await collectOnce();
    await sleep(Math.random() * 10);
  }
}
