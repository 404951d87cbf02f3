import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ActiveSnapshot, Snapshotter } from '../../src/snapshot/snapshotter.ts';
import { testNeeding } from '../support/needs.ts';

/** A snapshotter of a test's own. */
export interface SnapshotterFixture {
  readonly snapshotter: Snapshotter;
  /** Another process's view of the same snapshots. */
  readonly reopen: () => Promise<Snapshotter>;
  /** Names of what lies on disk. */
  readonly leftovers: () => readonly string[];
  dispose(): Promise<void>;
}

/** What every snapshotter must do. Each test takes a fresh one. */
export function testSnapshotter(name: string, open: () => Promise<SnapshotterFixture>): void {
  const testEach = (title: string, run: (t: ExecutionContext, fixture: SnapshotterFixture) => Promise<void>): void =>
    testNeeding(['root'], `${name}: ${title}`, async (t) => {
      const fixture = await open();
      t.teardown(() => fixture.dispose());
      await run(t, fixture);
    });

  testEach('a first snapshot is a plain directory that becomes a lower', async (t, { snapshotter }) => {
    const active = await snapshotter.prepare(undefined);
    t.deepEqual(active.mount.lowers, []);
    write(active, 'file', 'one');
    const info = await active.commit();
    t.is(info.parent, undefined);
    t.true(Date.now() - info.createdMs < 60_000);
    const view = snapshotter.view(info.name);
    t.is(view.upper, undefined);
    t.is(view.lowers.length, 1);
    t.is(readFileSync(join(view.lowers[0] ?? '', 'file'), 'utf8'), 'one');
    t.deepEqual(snapshotter.stat(info.name), info);
  });

  testEach('a link has the changes of another snapshot on a parent of its own', async (t, { snapshotter }) => {
    const make = async (parent: string | undefined, file: string): Promise<string> => {
      const active = await snapshotter.prepare(parent);
      write(active, file, file);
      return (await active.commit()).name;
    };
    const [layer, left, right] = [
      await make(undefined, 'layer'),
      await make(undefined, 'l'),
      await make(undefined, 'r'),
    ];
    const [onLeft, onRight] = [await snapshotter.link(left, layer), await snapshotter.link(right, layer)];
    t.is(onLeft.parent, left);
    t.is((await snapshotter.link(left, layer)).name, onLeft.name);
    t.not(onLeft.name, onRight.name);
    t.deepEqual(snapshotter.chain(onLeft.name), [left, onLeft.name]);
    t.deepEqual(
      snapshotter.view(onRight.name).lowers.map((lower) => readdirSync(lower)),
      [['layer'], ['r']],
    );
    t.deepEqual(snapshotter.changes(onLeft.name), snapshotter.changes(layer), 'made on nothing, whatever it lies on');

    await snapshotter.annotate(onLeft.name, { diffSize: 7 });
    t.is(snapshotter.stat(onRight.name)?.diffSize, 7, 'what is learnt of one holds for all');
    const above = await make(onLeft.name, 'above');
    t.deepEqual(
      snapshotter.view((await snapshotter.link(right, onLeft.name)).name).lowers,
      snapshotter.view(onRight.name).lowers,
    );

    await t.throwsAsync(snapshotter.retire([layer]), { code: 'SNAPSHOT_IN_USE' });
    await t.throwsAsync(snapshotter.retire([onLeft.name]), { code: 'SNAPSHOT_IN_USE' });
    for (const name of [above, onLeft.name, onRight.name]) await (await snapshotter.retire([name]))();
    t.is(readdirSync(snapshotter.view(layer).lowers[0] ?? '').length, 1, 'what was lent is still there');
    await (await snapshotter.retire([layer]))();
    await t.throwsAsync(snapshotter.link(left, layer), { code: 'SNAPSHOT_NOT_FOUND' });
  });

  testEach('a link shows the root of the tree below, unless its layer has one', async (t, { snapshotter }) => {
    const make = async (mode: number): Promise<string> => {
      const active = await snapshotter.prepare(undefined);
      chmodSync(active.mount.upper ?? '', mode);
      return (await active.commit()).name;
    };
    const rootOf = (name: string): number => statSync(snapshotter.view(name).lowers[0] ?? '').mode & 0o7777;
    const [usual, base, own] = [await make(0o755), await make(0o1777), await make(0o700)];
    t.is(rootOf((await snapshotter.link(base, usual)).name), 0o1777);
    t.is(rootOf((await snapshotter.link(base, own)).name), 0o700);
  });

  testEach('snapshots stand on each other, topmost first', async (t, { snapshotter }) => {
    const names: string[] = [];
    for (let i = 0; i < 4; i++) {
      const active = await snapshotter.prepare(names.at(-1));
      t.is(active.mount.lowers.length, i);
      if (i > 0) t.truthy(active.mount.work);
      write(active, `f${i}`, `${i}`);
      names.push((await active.commit()).name);
    }
    const top = names[3] ?? '';
    t.deepEqual(snapshotter.chain(top), names);
    t.deepEqual(
      snapshotter.view(top).lowers.map((lower) => readdirSync(lower)),
      [['f3'], ['f2'], ['f1'], ['f0']],
    );
    t.deepEqual(
      snapshotter
        .list()
        .map((info) => info.name)
        .sort(),
      [...names].sort(),
    );
  });

  testEach('the root directory is readable by all, or as it was below', async (t, { snapshotter }) => {
    const before = process.umask(0o077);
    t.teardown(() => void process.umask(before));
    const first = await snapshotter.prepare(undefined);
    const upper = first.mount.upper ?? '';
    t.is(statSync(upper).mode & 0o7777, 0o755);
    chmodSync(upper, 0o711);
    const { name } = await first.commit();
    const second = await snapshotter.prepare(name);
    t.is(statSync(second.mount.upper ?? '').mode & 0o7777, 0o711);
    const loose = await snapshotter.prepare(undefined);
    const late = await loose.commit(undefined, { parent: name, keepsRoot: false });
    t.is(statSync(snapshotter.view(late.name).lowers[0] ?? '').mode & 0o7777, 0o711);
    t.deepEqual(snapshotter.chain(late.name), [name, late.name]);
    const own = await (await snapshotter.prepare(undefined)).commit(undefined, { parent: name, keepsRoot: true });
    t.is(statSync(snapshotter.view(own.name).lowers[0] ?? '').mode & 0o7777, 0o755);
  });

  testEach('what is removed before it is committed leaves nothing', async (t, { snapshotter, leftovers }) => {
    const active = await snapshotter.prepare(undefined);
    mkdirSync(join(active.mount.upper ?? '', 'deep/er'), { recursive: true });
    await active.remove();
    await active.remove();
    t.deepEqual(leftovers(), []);
    t.deepEqual(snapshotter.list(), []);
  });

  testEach('of two commits under one name the first wins', async (t, { snapshotter, leftovers }) => {
    const [a, b] = [await snapshotter.prepare(undefined), await snapshotter.prepare(undefined)];
    write(a, 'who', 'a');
    write(b, 'who', 'b');
    const first = await a.commit('sha256:same');
    const second = await b.commit('sha256:same');
    t.is(second.name, first.name);
    t.is(readFileSync(join(snapshotter.view('sha256:same').lowers[0] ?? '', 'who'), 'utf8'), 'a');
    t.is(leftovers().length, 1);
  });

  testEach('many processes may commit the same name at once', async (t, { snapshotter, leftovers }) => {
    const actives = await Promise.all(Array.from({ length: 8 }, () => snapshotter.prepare(undefined)));
    for (const active of actives) write(active, 'who', active.key);
    const infos = await Promise.all(actives.map((active) => active.commit('sha256:race')));
    t.true(infos.every(({ name }) => name === 'sha256:race'));
    t.deepEqual(readdirSync(snapshotter.view('sha256:race').lowers[0] ?? ''), ['who']);
    t.is(leftovers().length, 1);
  });

  testEach('what has a child stays, what has none goes', async (t, { snapshotter, leftovers }) => {
    const parent = (await (await snapshotter.prepare(undefined)).commit()).name;
    const child = (await (await snapshotter.prepare(parent)).commit()).name;
    const error = await t.throwsAsync(snapshotter.retire([parent]));
    t.like(error, { code: 'SNAPSHOT_IN_USE', details: { name: parent, child } });
    t.truthy(snapshotter.stat(parent));
    await (await snapshotter.retire([child]))();
    await (await snapshotter.retire([parent]))();
    await (await snapshotter.retire([parent]))();
    t.is(snapshotter.stat(parent), undefined);
    t.deepEqual(leftovers(), []);
  });

  testEach('what is not there is an error that says so', async (t, { snapshotter }) => {
    t.is(snapshotter.stat('no'), undefined);
    t.like(
      t.throws(() => snapshotter.view('no')),
      { code: 'SNAPSHOT_NOT_FOUND', details: { name: 'no' } },
    );
    t.throws(() => snapshotter.chain('no'), { code: 'SNAPSHOT_NOT_FOUND' });
    await t.throwsAsync(snapshotter.prepare('no'), { code: 'SNAPSHOT_NOT_FOUND' });
  });

  testEach('facts are kept, for others too', async (t, { snapshotter, reopen }) => {
    const { name } = await (await snapshotter.prepare(undefined)).commit();
    await snapshotter.annotate(name, { diffID: 'sha256:00', diffSize: 5, contentSize: 3 });
    await snapshotter.annotate(name, { emptyLayer: true });
    await snapshotter.annotate('no', { diffSize: 1 });
    const other = await reopen();
    t.like(other.stat(name), { diffID: 'sha256:00', diffSize: 5, contentSize: 3, emptyLayer: true });
    t.is(other.stat('no'), undefined);
  });

  testEach('sweeping leaves what is alive alone', async (t, { snapshotter, leftovers }) => {
    const active = await snapshotter.prepare(undefined);
    write(active, 'file', 'x');
    const { name } = await (await snapshotter.prepare(undefined)).commit();
    await snapshotter.sweep();
    t.is(leftovers().length, 2);
    t.truthy(snapshotter.stat(name));
    await active.commit();
    t.is(snapshotter.list().length, 2);
  });
}

function write(active: ActiveSnapshot, name: string, content: string): void {
  writeFileSync(join(active.mount.upper ?? '', name), content);
}
