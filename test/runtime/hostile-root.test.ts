import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ProcessMount } from '../../src/runtime/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { type ContainerFixture, listTree, makeContainerFixture, writeTree } from './fixture.ts';

// Images are made by strangers. Whatever theirs holds, nothing outside the root is read, written or run.

let fixture: ContainerFixture;
/** A directory of the host that the images below try to reach. */
let outside: string;
test.before(async () => {
  fixture = await makeContainerFixture();
  // Not below the fixture, which may lie in /dev: the container has a /dev of its own there.
  outside = writeTree(join(makeTempDir('outside'), 'outside'), {
    passwd: 'spy:x:77:77::/spy:\n',
    secret: 'secret\n',
    'folder/': '',
  });
});
test.after.always(() => {
  fixture.dispose();
  removeTree(join(outside, '..'));
});

const needs = ['root', 'busybox'];
let layers = 0;

/** A root whose top layer holds `entries`, above the ordinary one. */
function makeRootWith(entries: Readonly<Record<string, string>>) {
  return fixture.makeRoot([writeTree(join(fixture.directory, `layer${layers++}`), entries), fixture.rootfs]);
}

function tree(target: string, upper: string): ProcessMount {
  return { type: 'tree', target, tree: { lowers: [], upper }, selector: '', readonly: false };
}

testNeeding(needs, 'a passwd that is a link to the outside is not read there', async (t) => {
  for (const link of [`->${outside}/passwd`, `->../../../../../../../../..${outside}/passwd`]) {
    const root = makeRootWith({ 'etc/passwd': link });
    await t.throwsAsync(fixture.sh('true', { root, user: 'spy' }), { code: 'USER_NOT_FOUND' });
  }
});

testNeeding(needs, 'a passwd that is a FIFO, a device or a folder does not hang or break the start', async (t) => {
  for (const make of ['mkfifo', 'mkdir']) {
    const layer = writeTree(join(fixture.directory, `special-${make}`), { 'etc/': '' });
    await exec(make, [join(layer, 'etc/passwd')]);
    const lower = writeTree(join(fixture.directory, `no-passwd-${make}`), { 'bin/': '' });
    await exec('cp', ['-a', join(fixture.rootfs, 'bin'), lower]);
    // A program that does not look at the file itself.
    const args = ['/bin/grep', 'Uid', '/proc/self/status'];
    const run = await fixture.run({ root: fixture.makeRoot([layer, lower]), user: '5', args });
    t.is(run.stdout, 'Uid:\t5\t5\t5\t5\n');
  }
});

testNeeding(needs, '/proc, /sys or /dev as links are refused or stay inside', async (t) => {
  for (const name of ['proc', 'sys']) {
    const error = await t.throwsAsync(fixture.sh('true', { root: makeRootWith({ [name]: `->${outside}/folder` }) }), {
      code: 'SANDBOX_FAILED',
    });
    t.regex(error?.message ?? '', new RegExp(`something other than a directory there.*/${name}`));
  }
  const run = await fixture.sh('echo hi > /dev/null; ls /devices | wc -l', {
    root: makeRootWith({ dev: '->../../devices' }),
  });
  t.is(run.stdout, '15\n');
  t.deepEqual(listTree(join(outside, 'folder')), []);
});

testNeeding(needs, 'mount targets through links and dots stay inside the root', async (t) => {
  const source = writeTree(join(fixture.directory, 'source'), { file: 'mounted\n' });
  const root = makeRootWith({
    absolute: `->${outside}/folder`,
    climbing: `->../../../../../../../../../..${outside}/folder`,
    loop: '->loop',
    hop1: '->/hop2/deeper',
    hop2: '->a/b/../c',
  });
  const run = await fixture.sh('cat /absolute/file /climbing/m/file /dots/file /a/c/deeper/file; ls /', {
    root,
    mounts: [
      tree('/absolute', source),
      tree('/climbing/m', source),
      tree('/x/../../../dots', source),
      tree('/hop1', source),
    ],
  });
  t.is(run.stdout.split('\n').filter((line) => line === 'mounted').length, 4, run.stderr);
  t.deepEqual(listTree(join(outside, 'folder')), []);
  t.deepEqual(fixture.changes(root.upper), [], 'what was made for them is gone');
  await t.throwsAsync(fixture.sh('true', { root, mounts: [tree('/loop/x', source)] }), { message: /ELOOP/ });
  await t.throwsAsync(fixture.sh('true', { root, mounts: [tree('/bin/busybox/x', source)] }), { message: /ENOTDIR/ });
  for (const target of ['/proc/self', '/proc', '/sys/kernel', '/../proc'])
    await t.throwsAsync(fixture.sh('true', { root, mounts: [tree(target, source)] }), {
      message: /in \/proc or \/sys/,
    });
});

testNeeding(needs, 'generated files are not written through links', async (t) => {
  writeFileSync(join(outside, 'hosts'), 'untouched');
  const root = makeRootWith({ 'etc/hosts': `->${outside}/hosts`, 'etc/resolv.conf': '->../run/resolve/stub.conf' });
  const run = await fixture.sh('grep -c localhost /etc/hosts; test -s /run/resolve/stub.conf && echo resolv', { root });
  t.is(run.stdout, '2\nresolv\n');
  t.is(readFileSync(join(outside, 'hosts'), 'utf8'), 'untouched');
  t.deepEqual(fixture.changes(root.upper), []);
});

testNeeding(needs, 'working directories and programs that name our own descriptors lead nowhere', async (t) => {
  for (let fd = 3; fd < 24; fd++) {
    const cwd = `/proc/self/fd/${fd}`;
    await t.throwsAsync(fixture.sh('pwd; ls', { cwd }), undefined, cwd);
    const program = await fixture.run({ args: [`${cwd}/../../../../../bin/sh`, '-c', 'echo escaped'] });
    t.is(program.stdout, '');
  }
  const root = makeRootWith({ work: '->/proc/self/fd/7', 'bin/prog': '->/proc/self/fd/6/bin/sh' });
  await t.throwsAsync(fixture.sh('pwd', { root, cwd: '/work' }));
  t.is((await fixture.run({ root, args: ['/bin/prog', '-c', 'echo escaped'] })).code, 127);
});

testNeeding(needs, 'a working directory that is a link stays inside', async (t) => {
  const root = makeRootWith({ work: `->../../../..${outside}`, inner: '->tmp' });
  t.is((await fixture.sh('pwd -P', { root, cwd: '/inner' })).stdout, '/tmp\n');
  t.is((await fixture.sh('pwd -P; ls -A', { root, cwd: '/work' })).stdout, `${outside}\n`);
  t.true(existsSync(join(root.upper, outside)));
  t.deepEqual(listTree(outside).includes('secret'), true);
});

testNeeding(needs, 'the helper’s own file cannot be overwritten through /proc/self/exe', async (t) => {
  const { initPath } = await import('../../src/native/index.ts');
  const before = readFileSync(initPath());
  const layer = writeTree(join(fixture.directory, 'exe'), { evil: '#!/proc/self/exe\n' });
  await exec('chmod', ['755', join(layer, 'evil')]);
  const root = fixture.makeRoot([layer, fixture.rootfs]);
  // The program itself is the helper once more, which refuses to run by hand.
  t.is((await fixture.run({ root, args: ['/evil'] })).code, 64);
  t.is((await fixture.run({ root, args: ['/proc/self/exe'] })).code, 64);
  const run = await fixture.sh('(echo pwned > /proc/1/exe) 2>&1; exit 0', { root });
  t.regex(run.stdout, /Text file busy|Permission denied/);
  t.true(readFileSync(initPath()).equals(before));
});

testNeeding(needs, 'a mount source that climbs or links out of its tree stays in it', async (t) => {
  const source = writeTree(join(fixture.directory, 'climber'), { up: `->${outside}`, 'a/b': 'inside' });
  mkdirSync(join(source, outside), { recursive: true });
  const mount = (selector: string): ProcessMount => ({
    type: 'tree',
    target: '/m',
    tree: { lowers: [], upper: source },
    selector,
    readonly: true,
  });
  t.is((await fixture.sh('ls -A /m', { mounts: [mount('up')] })).stdout, '');
  t.is((await fixture.sh('cat /m/b', { mounts: [mount('../../../a')] })).stdout, 'inside');
});
