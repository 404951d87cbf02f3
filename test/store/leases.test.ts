import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createContentStore } from '../../src/content/index.ts';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import { openStore } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

function makeRoot(t: ExecutionContext): string {
  const root = makeTempDir('leases');
  t.teardown(() => removeTree(root));
  return root;
}

test('what another holds is told to a collector, until it closes', async (t) => {
  const root = makeRoot(t);
  const [user, collector] = [await openStore(root), await openStore(root)];
  await user.hold(['one', 'two']);
  await user.hold(['two', 'three']);
  t.deepEqual(await collector.collect(async (held) => [...held].sort()), ['one', 'three', 'two']);
  t.deepEqual(await user.collect(async (held) => [...held].sort(), { ignoresOwn: true }), []);
  t.deepEqual(await user.collect(async (held) => [...held].sort()), ['one', 'three', 'two']);
  await user.close();
  t.deepEqual(await collector.collect(async (held) => [...held]), []);
  await collector.close();
  t.deepEqual(
    readdirSync(join(root, 'locks')).filter((name) => name.startsWith('owner-')),
    [],
  );
});

test('who holds while something is collected waits until that has ended', async (t) => {
  const root = makeRoot(t);
  const [user, collector] = [await openStore(root), await openStore(root)];
  const events: string[] = [];
  let holding: Promise<unknown> = Promise.resolve();
  await collector.collect(async (held) => {
    events.push(`collects ${[...held].join()}`);
    holding = Promise.all([
      user.hold(['late']).then(() => events.push('held')),
      // The same name, asked for by another step of the process: not a moment earlier.
      sleep(20).then(async () => user.hold(['late']).then(() => events.push('held again'))),
    ]);
    await sleep(100);
    events.push('ends');
  });
  await holding;
  t.deepEqual(events.slice(0, 2), ['collects ', 'ends']);
  t.is(events.length, 4);
  t.deepEqual(await collector.collect(async (held) => [...held]), ['late']);
  await user.close();
  await collector.close();
});

test('two never collect at once, and the second gives up', async (t) => {
  const root = makeRoot(t);
  const [one, other] = [await openStore(root), await openStore(root)];
  await one.collect(async () => {
    t.is(await other.collect(async () => t.fail(), { waitMs: 20 }), undefined);
  });
  await one.close();
  await other.close();
});

test('the mark of a collector that was killed is taken away by the next user', async (t) => {
  const root = makeRoot(t);
  const store = await openStore(root);
  await store.collect(async () => {});
  const lock = join(root, 'locks', 'gc.lock');
  chmodSync(lock, 0o700);
  await store.hold(['name']);
  t.is(statSync(lock).mode & 0o777, 0o600);
  await store.close();
});

test('where the disk is full and nothing can be written down, nothing is collected until the user has ended', async (t) => {
  const work = makeRoot(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', work], { stdio: 'ignore' });
  } catch {
    t.log('skipped: nothing can be mounted here');
    t.pass();
    return;
  }
  try {
    const [user, collector] = [await openStore(work), await openStore(work)];
    await user.owner();
    await collector.owner();
    t.is(await collector.collect(async () => 'free'), 'free');
    t.throws(() => writeFileSync(join(work, 'full'), Buffer.alloc(4 * 1024 ** 2)), { code: 'ENOSPC' });
    await user.hold(['name']);
    t.is(await collector.collect(async () => 'free', { waitMs: 20 }), undefined);
    await user.close();
    t.is(await collector.collect(async () => 'free'), 'free');
    await collector.close();
  } finally {
    execFileSync('umount', [work]);
  }
});

const SCRIPT = resolve(import.meta.dirname, 'lease-process.js');

function start(role: string, root: string, ...args: string[]): ChildProcess & { output: string } {
  const child = Object.assign(spawn(process.execPath, [SCRIPT, role, root, ...args]), { output: '' });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => {
      child.output = (child.output + data.toString()).slice(-20_000);
    });
  return child;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done(child.exitCode);
    else child.on('close', (code) => done(code));
  });

test('users and collectors in many processes, some of them killed: what was claimed is never missed', async (t) => {
  t.timeout(120_000);
  const root = makeRoot(t);
  await (await openStore(root)).close();
  const users = Array.from({ length: 4 }, (_, i) => start('use', root, String(i), '6000'));
  const killed: Promise<unknown>[] = [];
  let isOver = false;
  const collectors = Array.from({ length: 2 }, async () => {
    while (!isOver) {
      const collector = start('collect', root);
      await sleep(200 + Math.random() * 500);
      collector.kill('SIGKILL');
      await ended(collector);
    }
  });
  const victims = (async () => {
    while (!isOver) {
      const victim = start('use', root, '9', '6000');
      await sleep(150 + Math.random() * 400);
      victim.kill('SIGKILL');
      killed.push(ended(victim));
    }
  })();
  const codes = await Promise.all(users.map(ended));
  isOver = true;
  await Promise.all([...collectors, victims]);
  await Promise.all(killed);
  t.deepEqual(codes, [0, 0, 0, 0], users.map(({ output }) => output).join('\n'));
  const claims = users.map(({ output }) => Number(/claimed (\d+)/.exec(output)?.[1] ?? 0));
  const missed = users.map(({ output }) => Number(/missed (\d+)/.exec(output)?.[1] ?? 0));
  t.true(Math.min(...claims) > 5, `claims ${claims.join()}`);
  t.true(Math.max(...missed) > 0, 'something was collected');
  t.log({ claims, missed });

  // Nothing of anybody stays once all are gone.
  const store = await openStore(root);
  const snapshotter = createOverlaySnapshotter(store, native);
  const content = createContentStore(store);
  const retired = await store.collect(async (held) => {
    t.deepEqual([...held], []);
    const all = snapshotter.list().map(({ name }) => name);
    return [await snapshotter.retire(all), await content.retire([...content.list()].map(({ digest }) => digest))];
  });
  for (const remove of retired ?? []) await remove();
  await snapshotter.sweep();
  await content.sweep();
  t.deepEqual(readdirSync(store.paths.snapshots), []);
  t.deepEqual(readdirSync(store.paths.ingest), []);
  t.is(content.stat(digestOf('none')), undefined);
  await store.close();
});
