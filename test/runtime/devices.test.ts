import { pathToFileURL } from 'node:url';
import test from 'ava';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { type ContainerFixture, defaultSpec, makeContainerFixture } from './fixture.ts';

const needs = ['root', 'busybox'];

let fixture: ContainerFixture;
test.before(async () => {
  fixture = await makeContainerFixture();
});
test.after.always(() => fixture?.dispose());

/** The machine's loop control, which no step can open by itself. */
const CONTROL = {
  target: '/dev/control',
  hostPath: '/dev/loop-control',
  type: 'c',
  major: 10,
  minor: 237,
  mode: 0o600,
  permissions: 'rw',
} as const;

const OPEN = '(: <>/dev/control) 2>&1 && echo opened; mknod /copy c 10 237; (: <>/copy) 2>&1 && echo copy opened';

testNeeding(needs, 'a device of a process can be opened, and is nowhere in its tree', async (t) => {
  const without = await fixture.sh(`test ! -e /dev/control && ${OPEN.slice(OPEN.indexOf('mknod'))}`);
  t.regex(without.stdout, /^[^\n]*\/copy: Operation not permitted\n$/);
  const run = await fixture.sh(`${OPEN}; rm /copy; id -G`, { devices: [CONTROL], groups: [29, 4242], user: 'odd' });
  // Another user: the node is his, and he can make no other.
  t.regex(run.stdout, /^opened\n/);
  t.regex(run.stdout, / 4242\n$/);
  t.deepEqual(fixture.changes(run.upper), []);
  const root = await fixture.sh(OPEN, { devices: [CONTROL] });
  t.is(root.stdout, 'opened\ncopy opened\n');
});

testNeeding(
  needs,
  'a device may lie anywhere but in /proc and /sys, also on a file or link of the image',
  async (t) => {
    const run = await fixture.sh('test -c /etc/hostname && test -c /dev/null && stat -c %t:%T /dev/null /opt/deep/er', {
      devices: ['/etc/hostname', '/dev/null', '/opt/deep/er'].map((target) => ({ ...CONTROL, target })),
    });
    t.is(run.stdout, 'a:ed\na:ed\n');
    t.deepEqual(fixture.changes(run.upper), []);
    for (const target of ['/proc/x', '/sys/x'])
      await t.throwsAsync(fixture.sh('true', { devices: [{ ...CONTROL, target }] }), {
        message: /no device can be in/,
      });
    await t.throwsAsync(fixture.sh('true', { devices: [{ ...CONTROL, target: '/etc' }] }), {
      code: 'SANDBOX_MOUNT_TARGET',
    });
  },
);

testNeeding(
  [...needs, 'unshare'],
  'a device can be opened without control groups and in a user namespace',
  async (t) => {
    const runtime = pathToFileURL(`${import.meta.dirname}/../../src/runtime/index.js`).href;
    const run = async (...unshare: string[]): Promise<string> => {
      const spec = { ...defaultSpec(fixture.makeRoot()), args: ['/bin/sh', '-c', OPEN], devices: [CONTROL] };
      const program = `
    import { createExecutor } from ${JSON.stringify(runtime)};
    await createExecutor().run(${JSON.stringify(spec)}, { onOutput: (stream, chunk) => process.stdout.write(chunk) });`;
      const { stdout } = await exec('unshare', [...unshare, process.execPath, '--input-type=module', '-e', program]);
      return stdout;
    };
    const hidden = await run('-m', 'sh', '-c', 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', 'sh');
    // Only the node itself: all around it is `nodev`.
    t.regex(hidden, /^opened\n/);
    t.notRegex(hidden, /copy opened/);
    t.regex(await run('-m', '--user', '--map-root-user'), /^opened\n/);
  },
);
