import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { type ContainerFixture, defaultSpec, makeContainerFixture, writeTree } from './fixture.ts';

let fixture: ContainerFixture;
test.before(async () => {
  fixture = await makeContainerFixture();
});
test.after.always(() => fixture.dispose());

const needs = ['root', 'busybox'];

testNeeding(needs, 'root has docker’s capabilities; another user none; nobody can get more', async (t) => {
  const script = 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr "\\t" " "';
  const status = (permitted: string) =>
    `CapInh: 0000000000000000\nCapPrm: ${permitted}\nCapEff: ${permitted}\nCapBnd: 00000000a80425fb\n` +
    'CapAmb: 0000000000000000\nNoNewPrivs: 0\nSeccomp: 2\n';
  t.is((await fixture.sh(script)).stdout, status('00000000a80425fb'));
  t.is((await fixture.sh(script, { user: 'app' })).stdout, status('0000000000000000'));
});

testNeeding(needs, 'a setuid program makes a user root again, with the same bounds', async (t) => {
  const run = await fixture.sh('id -u; /tmp/su sh -c true; grep -E "^Cap(Eff|Bnd)" /proc/self/status; /tmp/id -u', {
    root: await rootWithSetuid(),
    user: 'app',
  });
  t.is(run.stdout.split('\n').at(0), '1000');
  // busybox drops the privilege for all its programs but a few, so the kernel's view is asked of one that keeps it.
  const kept = await fixture.run({
    root: await rootWithSetuid(),
    user: 'app',
    args: ['/tmp/su', '-c', 'grep CapEff /proc/self/status'],
  });
  t.is(kept.stdout, 'CapEff:\t00000000a80425fb\n');
});

async function rootWithSetuid() {
  const root = fixture.makeRoot();
  // A copy under the name of an applet that is meant to run setuid; the password of root is empty.
  await fixture.sh(
    'cp /bin/busybox /tmp/su; cp /bin/busybox /tmp/id; chmod 4755 /tmp/su /tmp/id; sed -i "s/^root:x:/root::/" /etc/passwd',
    { root },
  );
  return root;
}

testNeeding(needs, 'the kernel’s own trees are read-only or hidden as docker does it', async (t) => {
  const script = [
    'for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/sched_debug; do [ ! -e $f ] || wc -c < $f; done',
    'ls -A /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v : | grep .',
    'for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/mm/ksm/run /proc/irq/new; do (echo x > $f) 2>&1; done',
  ].join('\n');
  const run = await fixture.sh(script);
  const lines = run.stdout.trim().split('\n');
  const hidden = lines.filter((line) => line === '0').length;
  t.true(hidden >= 2);
  const refused = lines.slice(hidden);
  t.true(refused.length >= 3);
  for (const line of refused) t.regex(line, /Read-only file system|nonexistent directory/);
});

testNeeding(
  needs,
  'control groups are there to be read, with the same names as on the machine, and not to be written',
  async (t) => {
    const listed = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
    const hierarchies = listed.map((line) => line.split(':')[1] ?? '').filter((name) => name !== '');
    const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
    if (!isV2 && !existsSync('/sys/fs/cgroup/memory')) {
      t.pass('this machine has no control groups');
      return;
    }
    const expected = isV2 ? [] : hierarchies.map((name) => name.replace(/^name=/, ''));
    if (existsSync('/sys/fs/cgroup/unified')) expected.push('unified');
    const top = '/sys/fs/cgroup';
    const places = [top, ...expected.map((name) => `${top}/${name}`)];
    // Fields 4 to 6: what of the file system is shown, where, and the flags of the mount.
    const show = await fixture.sh('grep " /sys/fs/cgroup" /proc/self/mountinfo | cut -d" " -f4-6');
    const mounts = show.stdout.trim().split('\n').sort();
    t.deepEqual(mounts, places.map((place) => `/ ${place} ro,nosuid,nodev,noexec,relatime`).sort());
    const groups = isV2 ? places : places.slice(1);
    const read = await fixture.sh(`for g in ${groups.join(' ')}; do grep -cx 1 $g/cgroup.procs; done`);
    t.is(read.stdout, '1\n'.repeat(groups.length), 'process 1 is in each group that is shown');
    // A controller that shares its hierarchy is found by its own name too.
    const shared = hierarchies.filter((name) => name.includes(','));
    for (const name of shared.flatMap((joined) => joined.split(','))) {
      t.is((await fixture.sh(`test -d ${top}/${name} && echo found`)).stdout, 'found\n');
    }
    const write = await fixture.sh(
      `for g in ${places.join(' ')}; do mkdir $g/new; (echo 1 > $g/cgroup.procs) 2>&1; done; mount -o remount,rw ${top}; umount ${top}`,
    );
    const refusals = (write.stdout + write.stderr).trim().split('\n');
    t.is(
      refusals.filter((line) => line.includes('Read-only file system')).length,
      2 * places.length,
      refusals.join('\n'),
    );
    t.not(write.code, 0);
  },
);

testNeeding(needs, 'the devices are docker’s and work', async (t) => {
  const run = await fixture.sh('cd /dev; ls -A; stat -c "%a %t:%T" null zero full random urandom tty');
  t.is(
    run.stdout.trim().replaceAll('\n', ' '),
    'core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ' +
      '666 1:3 666 1:5 666 1:7 666 1:8 666 1:9 666 5:0',
  );
  const use = await fixture.sh(
    'echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo x > /dev/full; ' +
      'stat -c %a /dev/shm /dev/mqueue; echo hi | cat /dev/stdin; echo x > /dev/shm/f; (: > /dev/tty) 2>&1',
  );
  t.is(use.stdout, "3\n3\n1777\n1777\nhi\n/bin/sh: can't create /dev/tty: No such device or address\n");
  t.regex(use.stderr, /No space left on device/);
});

// The kernel's log and a disk: nodes of both can be made, as docker has it, and lie in an image's layer too.
const HOST_DEVICES =
  'for d in /tmp /dev /m; do mknod $d/log c 1 11; mknod $d/disk b 7 0; mknod $d/nothing c 1 3; ' +
  'for f in /image-disk $d/log $d/disk; do (: < $f) 2>&1; done; (echo x > $d/nothing) 2>&1 && echo harmless; done; echo x > /dev/null; exit 0';

async function imageWithDisk(base: string) {
  const layer = writeTree(join(base, `disk-layer-${process.hrtime.bigint()}`), { 'm/': '' });
  await exec('mknod', [join(layer, 'image-disk'), 'b', '7', '0']);
  return layer;
}

testNeeding(needs, 'devices of the host cannot be opened, whoever made the node; harmless ones can', async (t) => {
  const root = fixture.makeRoot([await imageWithDisk(fixture.directory), fixture.rootfs]);
  const upper = writeTree(join(fixture.directory, 'device-mount'), {});
  const tree = { lowers: [], upper } as const;
  const run = await fixture.sh(HOST_DEVICES, {
    root,
    mounts: [{ type: 'tree', target: '/m', tree, selector: '', readonly: false }],
  });
  const lines = run.stdout.trim().split('\n');
  t.is(run.stderr, '');
  const guarded = lines.filter((line) => line.endsWith('Operation not permitted')).length;
  const harmless = lines.filter((line) => line === 'harmless').length;
  // Without control groups the second line of defence stands alone.
  const expected = existsSync('/sys/fs/cgroup/cgroup.procs') || existsSync('/sys/fs/cgroup/unified') ? [9, 3] : [0, 0];
  t.deepEqual([guarded, harmless], expected, run.stdout);
});

testNeeding(
  [...needs, 'unshare'],
  'devices of the host cannot be opened where there is no control group to say so',
  async (t) => {
    const runtime = pathToFileURL(`${import.meta.dirname}/../../src/runtime/index.js`).href;
    const root = fixture.makeRoot([await imageWithDisk(fixture.directory), fixture.rootfs]);
    const upper = writeTree(join(fixture.directory, 'device-mount-2'), {});
    const spec = {
      ...defaultSpec(root),
      args: ['/bin/sh', '-c', `${HOST_DEVICES}`],
      mounts: [{ type: 'tree', target: '/m', tree: { lowers: [], upper }, selector: '', readonly: false }],
    };
    const program = `
    import { createExecutor } from ${JSON.stringify(runtime)};
    await createExecutor().run(${JSON.stringify(spec)}, { onOutput: (stream, chunk) => process.stdout.write(chunk) });`;
    const hidden = 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"';
    const node = [process.execPath, '--input-type=module', '-e', program];
    const { stdout } = await exec('unshare', ['-m', 'sh', '-c', hidden, 'sh', ...node]);
    t.is(stdout.split('\n').filter((line) => line.includes('Permission denied')).length, 12, stdout);
    t.false(stdout.includes('Operation not permitted'));
  },
);

testNeeding(needs, 'nothing of the host is mounted or reachable', async (t) => {
  const run = await fixture.sh(
    'cut -d" " -f5 /proc/self/mountinfo | grep -v -E "^/(proc|sys|dev)(/|$)"; ls -di / /..| awk "{print \\$1}" | uniq | wc -l',
  );
  t.is(run.stdout, '/\n/etc/resolv.conf\n/etc/hosts\n1\n');
  // The classic way out of a chroot, with the capability that docker leaves.
  const climb = await fixture.sh('mkdir /x; chroot /x /bin/true; cd /; for i in 1 2 3 4 5 6; do cd ..; done; ls -A');
  t.deepEqual(climb.stdout.trim().split('\n').sort(), ['bin', 'dev', 'etc', 'home', 'proc', 'sys', 'tmp', 'x']);
  const open = await fixture.run({ args: ['/bin/ls', '/proc/1/fd'] });
  t.is(open.stdout, '0\n1\n2\n3\n', 'the standard three, and the listing itself');
});

testNeeding(
  [...needs, 'gcc'],
  'abstract sockets of the host are out of reach, those of the container work',
  async (t) => {
    if (!(await hasSocketScopes())) {
      t.pass('this kernel cannot tell them apart');
      return;
    }
    const name = `tsbuild-test-${process.pid}`;
    const program = join(fixture.directory, 'abstract');
    await exec('gcc', ['-static', '-o', program, '-x', 'c', '-'], { input: ABSTRACT_SOCKETS });
    const server = spawn(program, [name, 'serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.teardown(() => server.stdin.end());
    await once(server.stdout, 'data');
    const layer = writeTree(join(fixture.directory, 'abstract-layer'), { 'x/': '' });
    copyFileSync(program, join(layer, 'x/abstract'));
    const root = () => fixture.makeRoot([layer, fixture.rootfs]);
    t.is((await exec(program, [name])).stdout, 'own: 0, other: 0\n');
    t.is((await fixture.run({ root: root(), args: ['/x/abstract', name] })).stdout, 'own: 0, other: 1\n');
    const free = await fixture.run({ root: root(), args: ['/x/abstract', name], insecure: true });
    t.is(free.stdout, 'own: 0, other: 0\n');
  },
);

/** Listens on an abstract socket; or connects to one of its own and to the one that is named, and prints errno: EPERM is 1. */
const ABSTRACT_SOCKETS = `
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
static int call(const char* name, int (*how)(int, const struct sockaddr*, socklen_t), int fd) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path + 1, name);
  return how(fd, (struct sockaddr*)&address, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)) < 0 ? errno : 0;
}
static int open_socket(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
int main(int count, char** arguments) {
  if (count > 2) {
    int shared = open_socket();
    call(arguments[1], bind, shared);
    listen(shared, 8);
    puts("listening");
    fflush(stdout);
    return getchar();
  }
  char own[64];
  snprintf(own, sizeof own, "%s-own", arguments[1]);
  int server = open_socket();
  call(own, bind, server);
  listen(server, 1);
  printf("own: %d, ", call(own, connect, open_socket()));
  printf("other: %d\\n", call(arguments[1], connect, open_socket()));
}`;

/** Landlock's version 6, of Linux 6.12, has scopes; asked with the call that the kernel's documentation names for it. */
async function hasSocketScopes(): Promise<boolean> {
  const program = join(fixture.directory, 'landlock');
  const source =
    '#include <stdio.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n' +
    'int main(void) { printf("%ld", syscall(444, 0, 0, 1)); }';
  await exec('gcc', ['-o', program, '-x', 'c', '-'], { input: source });
  return Number((await exec(program, [])).stdout) >= 6;
}

testNeeding(needs, 'the container is in namespaces and a session of its own', async (t) => {
  const own = await fixture.sh(
    'for n in mnt pid uts ipc; do readlink /proc/self/ns/$n; done; cut -d" " -f5,6,7 /proc/1/stat',
  );
  const lines = own.stdout.trim().split('\n');
  for (const [i, name] of ['mnt', 'pid', 'uts', 'ipc'].entries())
    t.not(lines[i], readlinkSync(`/proc/self/ns/${name}`));
  t.is(lines[4], '1 1 0', 'group 1, session 1, no terminal');
});

testNeeding(needs, 'what is read-only in the container cannot be made writable', async (t) => {
  const run = await fixture.sh('mount -o remount,rw /proc/sys; umount /proc/sys; echo evil >> /etc/hosts; exit 0');
  t.regex(run.stderr, /(must be superuser|Operation not permitted|permission denied)/i);
  t.regex(run.stderr, /\/etc\/hosts: Read-only file system/);
});

testNeeding(needs, 'insecure has every capability of the caller, no filter and nothing hidden', async (t) => {
  const script =
    'grep -E "^(CapEff|Seccomp:)" /proc/self/status | tr "\\t" " "; mkdir /m; mount -t tmpfs none /m && echo mounted; echo 1 > /proc/sys/net/ipv4/ip_forward && echo written';
  const run = await fixture.sh(script, { insecure: true, network: 'none' });
  const [, own] = /^CapEff:\t(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  t.is(run.stdout, `CapEff: ${own}\nSeccomp: 0\nmounted\nwritten\n`);
});

testNeeding(
  [...needs, 'unshare'],
  'works inside a user namespace, where overlay, devices and /sys are made in other ways',
  async (t) => {
    const runtime = pathToFileURL(`${import.meta.dirname}/../../src/runtime/index.js`).href;
    const script =
      'id -u; echo x > /dev/null; head -c 2 /dev/zero | wc -c; mkdir /d; touch /sys/x; grep Seccomp: /proc/1/status; echo /proc/[0-9]*';
    const root = fixture.makeRoot();
    const spec = { ...defaultSpec(root), args: ['/bin/sh', '-c', script] };
    const program = `
    import { createExecutor } from ${JSON.stringify(runtime)};
    await createExecutor().run(${JSON.stringify(spec)}, { onOutput: (stream, chunk) => (stream === 1 ? process.stdout : process.stderr).write(chunk) });`;
    const { stdout, stderr } = await exec('unshare', ['-Urm', process.execPath, '--input-type=module', '-e', program]);
    t.is(stdout, '0\n2\nSeccomp:\t2\n/proc/1\n');
    t.is(stderr, 'touch: /sys/x: Read-only file system\n');
    t.deepEqual(fixture.changes(root.upper), ['d']);
  },
);
