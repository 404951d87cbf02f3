import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ContainerFixture, makeContainerFixture } from '../runtime/fixture.ts';
import { exec, findCommands } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const root = resolve(import.meta.dirname, '../../..');
const sources = join(root, 'test/native');

/** Audit architectures, with what is added to every number, in the order of the profile's columns. */
const ABIS = [
  { name: 'x86_64', arch: 0xc000003e, base: 0, machine: 'x64' },
  { name: 'x32', arch: 0xc000003e, base: 0x40000000, machine: 'x64' },
  { name: 'x86', arch: 0x40000003, base: 0, machine: 'x64' },
  { name: 'arm64', arch: 0xc00000b7, base: 0, machine: 'arm64' },
  { name: 'arm', arch: 0x40000028, base: 0, machine: 'arm64' },
] as const;

/** Syscalls of the profile by name, with one number an ABI. */
const profile = new Map(
  [
    ...readFileSync(join(root, 'native/sandbox/seccomp_profile.def'), 'utf8').matchAll(/^SYSCALL\((\w+), ([^)]+)\)/gm),
  ].map(([, name = '', numbers = '']) => [name, numbers.split(',').map(Number)]),
);

let directory: string;
let fixture: ContainerFixture;
test.before(async () => {
  if (findCommands('g++').length === 0 || process.getuid?.() !== 0) return;
  directory = makeTempDir('seccomp');
  const native = join(root, 'native');
  const flags = ['-std=gnu++20', '-O1', '-D_GNU_SOURCE', `-I${native}`];
  await Promise.all([
    exec('g++', [
      ...flags,
      join(sources, 'seccomp-decisions.cc'),
      join(native, 'sandbox/seccomp.cc'),
      '-o',
      join(directory, 'decide'),
    ]),
    exec('g++', [...flags, '-static', join(sources, 'syscall-probe.cc'), '-o', join(directory, 'probe')]),
  ]);
  fixture = await makeContainerFixture();
});
test.after.always(() => {
  fixture?.dispose();
  if (directory !== undefined) removeTree(directory);
});

/** The probe's numbers are of this machine; elsewhere the need is not met. */
const onX64 = process.arch === 'x64' ? [] : ['an x86_64 machine'];

type Question = readonly [arch: number, syscall: number, argument: number];

async function decide(questions: readonly Question[]): Promise<string[]> {
  const input = questions.map((question) => question.join(' ')).join('\n');
  return (await exec(join(directory, 'decide'), [], { input })).stdout.trim().split('\n');
}

testNeeding(['root', 'g++'], 'the filter decides each call of every ABI as the profile says', async (t) => {
  for (const [column, abi] of ABIS.entries()) {
    if (abi.machine !== process.arch) continue;
    const allowed = new Map([...profile].map(([name, numbers]) => [numbers[column], name]));
    allowed.delete(-1);
    const newest = Math.max(
      ...[...allowed.keys()].filter((number) => number !== undefined && number < 0xf0000).map(Number),
    );
    const numbers = Array.from({ length: newest + 40 }, (_, number) => number);
    const decisions = await decide(numbers.map((number) => [abi.arch, abi.base + number, 0]));
    for (const number of numbers) {
      const name = allowed.get(number);
      const unlisted = number > newest ? 'ENOSYS' : 'EPERM';
      const expected = name === 'clone3' ? 'ENOSYS' : name === undefined ? unlisted : 'allow';
      t.is(decisions[number], expected, `${abi.name} ${number} ${name}`);
    }
  }
  t.deepEqual(await decide([[0xc0000015, 1, 0]]), ['kill'], 'an ABI that is not of this machine');
});

testNeeding(['root', 'g++'], 'arguments matter where docker looks at them', async (t) => {
  const expectEach = async (name: string, cases: readonly (readonly [argument: number, decision: string])[]) => {
    for (const [column, abi] of ABIS.entries()) {
      const number = profile.get(name)?.[column] ?? -1;
      if (abi.machine !== process.arch || number < 0) continue;
      const decisions = await decide(cases.map(([argument]) => [abi.arch, abi.base + number, argument]));
      t.deepEqual(
        decisions,
        cases.map(([, decision]) => decision),
        `${name} ${abi.name}`,
      );
    }
  };
  // Threads and processes yes, each kind of namespace no.
  await expectEach('clone', [
    [0x3d0f00, 'allow'],
    [17, 'allow'],
    ...[0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x2000000].map(
      (flag) => [flag + 17, 'EPERM'] as const,
    ),
  ]);
  await expectEach('personality', [
    [0, 'allow'],
    [8, 'allow'],
    [0x20000, 'allow'],
    [0x20008, 'allow'],
    [0xffffffff, 'allow'],
    [0x40000, 'EPERM'],
    [1, 'EPERM'],
    [0x100000000, 'EPERM'],
  ]);
  const families = new Set([12, 19, 20, 23, 25, 34, 37, 38, 40]);
  await expectEach('socket', [
    ...Array.from(
      { length: 60 },
      (_, family) => [family, families.has(family) || family > 45 ? 'EPERM' : 'allow'] as const,
    ),
    [0x100000002, 'EPERM'],
  ]);
});

testNeeding(
  ['root', 'g++', 'busybox', ...onX64],
  'the kernel agrees: forbidden calls fail, allowed ones do not',
  async (t) => {
    const { EPERM, ENOSYS, EBADF, EFAULT, EINVAL } = constants.errno;
    const cases: readonly (readonly [call: string, errno: number])[] = [
      ['64 39', 0], // getpid
      ['64 250 0 0', EPERM], // keyctl
      ['64 272 0x10000000', EPERM], // unshare of a user namespace
      ['64 165 0 0 0 0 0', EPERM], // mount
      ['64 321 0 0 0', EPERM], // bpf
      ['64 298 0 0 0 0 0', EPERM], // perf_event_open
      ['64 304 -1 0 0', EPERM], // open_by_handle_at
      ['64 425 1 0', EPERM], // io_uring_setup
      ['64 56 0x10000011 0 0 0 0', EPERM], // clone of a user namespace
      ['64 435 0 0', ENOSYS], // clone3
      ['64 135 0xffffffff', 0], // personality, asked
      ['64 135 0x0040000', EPERM], // ADDR_NO_RANDOMIZE
      ['64 41 40 1 0', EPERM], // socket AF_VSOCK
      ['64 3 999', EBADF], // close
      ['64 470 0 0', ENOSYS], // newer than the profile
      ['64 310 1 0 0 0 0 1', EINVAL], // process_vm_readv: passes the filter
      ['x32 39', ENOSYS], // getpid: passes the filter, the kernel has no x32
      ['x32 250 0 0', EPERM],
      ['32 20', 0], // getpid
      ['32 288 0 0', EPERM], // keyctl
      ['32 310 0x10000000', EPERM], // unshare
      ['32 359 40 1 0', EPERM], // socket AF_VSOCK
      ['32 6 999', EBADF], // close
      ['32 5 0 0 0', EFAULT], // open
    ];
    const run = await runProbes(
      t,
      cases.map(([call]) => call),
    );
    t.deepEqual(
      cases.map(([call], i) => [call, run[i]]),
      cases.map(([call, errno]) => [call, errno]),
    );
  },
);

async function runProbes(t: ExecutionContext, calls: readonly string[]): Promise<number[]> {
  const mount = {
    type: 'tree',
    target: '/probe',
    tree: { lowers: [], upper: directory },
    selector: '',
    readonly: true,
  } as const;
  const run = await fixture.sh(calls.map((call) => `/probe/probe ${call}`).join('\n'), { mounts: [mount] });
  t.is(run.stderr, '');
  return run.stdout.trim().split('\n').map(Number);
}

testNeeding(['root', 'busybox'], 'programs meet the filter as they do in docker', async (t) => {
  const run = await fixture.sh(
    'unshare -m true; unshare -U true; mount -t tmpfs none /tmp; chroot / true && echo chroot',
  );
  t.is(run.stdout, 'chroot\n');
  t.is(run.stderr.match(/Operation not permitted|permission denied/gi)?.length, 3, run.stderr);
});
