import { join } from 'node:path';
import test from 'ava';
import { testNeeding } from '../support/needs.ts';
import { type ContainerFixture, makeContainerFixture, writeTree } from './fixture.ts';

let fixture: ContainerFixture;
test.before(async () => {
  fixture = await makeContainerFixture();
});
test.after.always(() => fixture.dispose());

/** `id -u`, `id -g`, all groups, HOME, for users as the image of the fixture has them. */
const USERS: readonly (readonly [user: string, expected: string])[] = [
  ['', '0 0 0,10 /root'],
  ['root', '0 0 0,10 /root'],
  ['app', '1000 1001 1001,29,44 /home/app'],
  ['1000', '1000 1001 1001,29,44 /home/app'],
  ['app:audio', '1000 29 29 /home/app'],
  ['app:0', '1000 0 0 /home/app'],
  ['1000:4321', '1000 4321 4321 /home/app'],
  ['odd', '42 42 42,29 /nonexistent'],
  // Unknown numbers are fine, and belong to group 0.
  ['4242', '4242 0 0 /'],
  ['4242:app', '4242 1001 1001 /'],
  ['2147483647:2147483647', '2147483647 2147483647 2147483647 /'],
];

for (const [user, expected] of USERS) {
  testNeeding(['root', 'busybox'], `user "${user}" is ${expected}`, async (t) => {
    const run = await fixture.sh('echo $(id -u) $(id -g) $(id -G | tr " " ,) $HOME', { user });
    t.is(run.stdout, `${expected}\n`);
  });
}

testNeeding(['root', 'busybox'], 'unknown names are refused, and say where they were looked for', async (t) => {
  await t.throwsAsync(fixture.sh('true', { user: 'nobody-here' }), {
    code: 'USER_NOT_FOUND',
    message: 'no user named "nobody-here" in /etc/passwd of the image',
  });
  await t.throwsAsync(fixture.sh('true', { user: 'app:nogroup' }), {
    code: 'USER_NOT_FOUND',
    message: 'no group named "nogroup" in /etc/group of the image',
  });
  await t.throwsAsync(fixture.sh('true', { user: '2147483648' }), { code: 'USER_NOT_FOUND' });
  await t.throwsAsync(fixture.sh('true', { user: '-1' }), { code: 'USER_NOT_FOUND' });
});

testNeeding(['root', 'busybox'], 'root needs no passwd file; a damaged one harms nobody', async (t) => {
  const bare = fixture.makeRoot();
  await fixture.sh('rm -r /etc/passwd /etc/group', { root: bare });
  t.is((await fixture.sh('id -u; id -G; echo $HOME', { root: bare })).stdout, '0\n0\n/\n');
  t.is((await fixture.sh('id -u; id -g', { root: bare, user: 'root:root' })).stdout, '0\n0\n');
  await t.throwsAsync(fixture.sh('true', { root: bare, user: 'app' }), { code: 'USER_NOT_FOUND' });

  const lower = writeTree(join(fixture.directory, 'damaged'), {
    'etc/passwd': '\n:::\nx\n  spaced : x : 7 : 8 :: /s : \nbig:x:99999999999999999999:5::/b:\nlast:x:9:9::/l:',
    'etc/group': 'x\n\ng:x:70:spaced , last\n',
  });
  const root = fixture.makeRoot([lower, fixture.rootfs]);
  t.is((await fixture.sh('echo $(id -u) $(id -G) $HOME', { root, user: 'spaced' })).stdout, '7 8 70 /s\n');
  t.is((await fixture.sh('echo $(id -u) $(id -G) $HOME', { root, user: 'last' })).stdout, '9 9 70 /l\n');
  t.is((await fixture.sh('id -u', { root, user: 'big' })).stdout, '0\n');
});

testNeeding(['root', 'busybox'], 'another user may write to /dev/stdout and to what is its own only', async (t) => {
  const run = await fixture.sh('echo out > /dev/stdout; echo err > /dev/stderr; touch /root-only || echo no', {
    user: 'app',
  });
  t.is(run.stdout, 'out\nno\n');
  t.regex(run.stderr, /^err\n.*Permission denied/);
});
