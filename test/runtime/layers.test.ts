import { join } from 'node:path';
import test from 'ava';
import { testNeeding } from '../support/needs.ts';
import { type ContainerFixture, makeContainerFixture, writeTree } from './fixture.ts';

let fixture: ContainerFixture;
test.before(async () => {
  fixture = await makeContainerFixture();
});
test.after.always(() => fixture.dispose());

const needs = ['root', 'busybox'];

/** `count` layers, each with a file of its own and one that it shares with all others; the busybox root lies lowest. */
function makeStack(name: string, count: number): string[] {
  const layers = Array.from({ length: count }, (_, i) =>
    writeTree(join(fixture.directory, name, `layer,${i}:\\ ${'x'.repeat(i === 0 ? 200 : 1)}`), {
      [`own/${i}`]: '',
      shared: `${i}`,
    }),
  );
  return [...layers, fixture.rootfs];
}

for (const count of [1, 2, 300, 499, 500, 501, 998]) {
  testNeeding(needs, `a root of ${count} layers and the base`, async (t) => {
    const root = fixture.makeRoot(makeStack(`stack${count}`, count));
    const run = await fixture.sh('ls /own | wc -l; cat /shared; echo w > /shared; rm /own/0; ls /own | wc -l', {
      root,
    });
    t.is(run.stdout, `${count}\n0${count - 1}\n`, run.stderr);
  });
}

testNeeding(needs, 'a thousand layers are refused with a number', async (t) => {
  const root = fixture.makeRoot(makeStack('stack1000', 1000));
  await t.throwsAsync(fixture.sh('true', { root }), {
    message: /1001 layers are too many to mount as one tree; at most 999/,
  });
});

testNeeding(needs, 'a layer that is not there is named', async (t) => {
  const missing = join(fixture.directory, 'no-such-layer');
  const error = await t.throwsAsync(fixture.sh('true', { root: fixture.makeRoot([missing, fixture.rootfs]) }));
  t.regex(error?.message ?? '', /ENOENT.*no-such-layer/);
});

testNeeding(
  needs,
  'a mounted tree may be a stack as well, with whiteouts and a view that cannot be written',
  async (t) => {
    const [top, bottom] = [
      writeTree(join(fixture.directory, 'top'), { new: 'n' }),
      writeTree(join(fixture.directory, 'bottom'), { old: 'o', gone: 'g' }),
    ];
    await fixture.sh('mknod /t/gone c 0 0', {
      mounts: [{ type: 'tree', target: '/t', tree: { lowers: [], upper: top }, selector: '', readonly: false }],
    });
    const run = await fixture.sh('ls /m; touch /m/x', {
      mounts: [{ type: 'tree', target: '/m', tree: { lowers: [top, bottom] }, selector: '', readonly: false }],
    });
    t.is(run.stdout, 'new\nold\n');
    t.regex(run.stderr, /Read-only file system/);
  },
);
