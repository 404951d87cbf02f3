import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { testNeeding } from '../support/needs.ts';
import { type ContainerFixture, listTree, makeContainerFixture, writeTree } from './fixture.ts';

let fixture: ContainerFixture;
test.before(async () => {
  fixture = await makeContainerFixture();
});
test.after.always(() => fixture.dispose());

const needs = ['root', 'busybox'];

function tmpfs(target: string) {
  return { type: 'tmpfs', target } as const;
}

testNeeding(needs, 'a run that changes nothing leaves nothing in the layer', async (t) => {
  const root = fixture.makeRoot();
  const run = await fixture.sh('true', { root, mounts: [tmpfs('/a/b/c'), tmpfs('/etc/x'), tmpfs('/home/app/y')] });
  t.is(run.code, 0);
  for (const entry of listTree(root.upper)) {
    // Directories that held a mount point may have been copied up; they look as below.
    const [above, below] = [lstatSync(join(root.upper, entry)), lstatSync(join(fixture.rootfs, entry))];
    t.true(above.isDirectory(), entry);
    t.deepEqual(
      [above.mode, above.uid, above.gid, above.mtimeMs],
      [below.mode, below.uid, below.gid, below.mtimeMs],
      entry,
    );
  }
  t.deepEqual(listTree(root.upper), ['etc', 'home', 'home/app']);
});

testNeeding(
  needs,
  'an image of one program works; the mount points of the kernel’s file systems stay in it, as with other builders',
  async (t) => {
    const lower = writeTree(join(fixture.directory, 'scratch'), { 'bin/': '' });
    await fixture.sh('cp /bin/busybox /out', {
      mounts: [
        {
          type: 'tree',
          target: '/out',
          tree: { lowers: [], upper: join(lower, 'bin') },
          selector: '',
          readonly: false,
        },
      ],
    });
    const root = fixture.makeRoot([lower]);
    const run = await fixture.run({ root, args: ['/bin/busybox', 'sh', '-c', '/bin/busybox ls -A /; echo > /made'] });
    t.is(run.stdout, 'bin\ndev\netc\nproc\nsys\n');
    t.deepEqual(listTree(root.upper), ['dev', 'made', 'proc', 'sys']);
  },
);

testNeeding(needs, 'what the step itself puts beside or into a stub’s place stays', async (t) => {
  const root = fixture.makeRoot();
  await fixture.sh('touch /a/kept; mkdir /etc/new; touch -d 2001-01-01 /etc', {
    root,
    mounts: [tmpfs('/a/b'), tmpfs('/etc/stub')],
  });
  t.deepEqual(listTree(root.upper), ['a', 'a/kept', 'etc', 'etc/new']);
  t.is(lstatSync(join(root.upper, 'etc')).mtime.getUTCFullYear(), 2001, 'the time that the step gave it');
});

testNeeding(needs, 'stubs are found where the step moved them, and only while they are stubs', async (t) => {
  const root = fixture.makeRoot();
  await fixture.sh('mv /moving /moved', { root, mounts: [tmpfs('/moving/stub')] });
  t.deepEqual(listTree(root.upper), ['moved']);
});

testNeeding(needs, 'what a mount of somebody else’s holds is not ours to remove', async (t) => {
  const upper = writeTree(join(fixture.directory, 'shared'), { file: 'x' });
  await fixture.sh('true', {
    mounts: [
      { type: 'tree', target: '/cache', tree: { lowers: [], upper }, selector: '', readonly: false },
      tmpfs('/cache/inner'),
    ],
  });
  t.deepEqual(listTree(upper), ['file', 'inner']);
});

testNeeding(needs, 'stubs go after a failed start and an abort too', async (t) => {
  const root = fixture.makeRoot();
  await t.throwsAsync(fixture.sh('true', { root, mounts: [tmpfs('/a/b'), tmpfs('/proc/x')] }));
  t.deepEqual(listTree(root.upper), []);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 300);
  await t.throwsAsync(fixture.run({ root, mounts: [tmpfs('/a/b')], args: ['sleep', '100'] }, controller.signal));
  t.deepEqual(listTree(root.upper), []);
});

testNeeding(needs, 'the same directories can be used for one run after another', async (t) => {
  const root = fixture.makeRoot();
  for (let i = 0; i < 3; i++) t.is((await fixture.sh('echo x >> /n; sync; wc -l < /n', { root })).stdout, `${i + 1}\n`);
});
