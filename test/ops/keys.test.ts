import test from 'ava';
import { EnvList } from '../../src/llb/index.ts';
import type { ExecMount, ExecOp, FileOp } from '../../src/llb/ops.ts';
import { type Digest, digestOf, hostPlatform } from '../../src/oci/index.ts';
import { execKey } from '../../src/ops/exec-key.ts';
import { OutputTail } from '../../src/ops/output-tail.ts';
import { copySelections, mountSelections } from '../../src/ops/selections.ts';

const input = (name: string) => ({ digest: digestOf(name), index: 0 });

const root: ExecMount = { type: 'bind', input: 0, target: '/', selector: '/', readonly: false, output: 0 };
const exec: ExecOp = {
  type: 'exec',
  inputs: [input('base'), input('other')],
  platform: hostPlatform(),
  meta: { args: ['make'], env: EnvList.from(['A=1']), cwd: '/', user: '' },
  mounts: [root, { type: 'bind', input: 1, target: '/mnt', selector: '/src', readonly: true, output: -1 }],
  network: 'default',
  security: 'sandbox',
};

test('what decides about an exec op is in its key, and nothing else', (t) => {
  const key = execKey(exec);
  const same: Record<string, ExecOp> = {
    'the vertices of its inputs': { ...exec, inputs: [input('x'), input('y')] },
    proxies: { ...exec, meta: { ...exec.meta, proxyEnv: ['http_proxy=http://p'] } },
    'where a mount lies in its tree': {
      ...exec,
      mounts: exec.mounts.map((mount) => (mount.type === 'tmpfs' ? mount : { ...mount, selector: '/elsewhere' })),
    },
  };
  for (const [what, op] of Object.entries(same)) t.is(execKey(op), key, what);
  const cache = (id: string, sharing: 'shared' | 'locked', owned?: true): ExecOp => ({
    ...exec,
    mounts: [
      root,
      {
        type: 'cache',
        id,
        sharing,
        target: '/c',
        readonly: false,
        input: -1,
        selector: '/',
        mode: 0o755,
        uid: 0,
        gid: 0,
        ...(owned ? { owned } : {}),
      },
    ],
  });
  t.is(execKey(cache('a', 'shared')), execKey(cache('b', 'locked')));
  t.is(execKey(cache('a', 'shared')), execKey(cache('a', 'shared', true)));
  const hosts = (ip: string): ExecOp => ({ ...exec, meta: { ...exec.meta, extraHosts: [{ host: 'db', ip }] } });
  t.is(execKey(hosts('10.0.0.1')), execKey(hosts('10.0.0.2')));
  const others: readonly ExecOp[] = [
    hosts('10.0.0.1'),
    { ...exec, meta: { ...exec.meta, args: ['make', 'all'] } },
    { ...exec, meta: { ...exec.meta, env: EnvList.from(['A=2']) } },
    { ...exec, meta: { ...exec.meta, cwd: '/x' } },
    { ...exec, meta: { ...exec.meta, user: 'app' } },
    { ...exec, platform: { os: 'linux', architecture: 'riscv64' } },
    { ...exec, network: 'none' },
    { ...exec, security: 'insecure' },
    { ...exec, mounts: [root] },
    cache('a', 'shared'),
  ];
  t.is(new Set<Digest>([key, ...others.map(execKey)]).size, others.length + 1);
});

test('mounts count by content unless they are the root or become an output', (t) => {
  t.is(mountSelections(exec, 0), undefined);
  t.deepEqual(
    mountSelections(exec, 1)?.map(({ path }) => path),
    ['/src'],
  );
  const writable: ExecMount = { type: 'bind', input: 1, target: '/w', selector: '/', readonly: false, output: -1 };
  t.deepEqual(
    mountSelections({ ...exec, mounts: [root, writable] }, 1)?.map(({ path }) => path),
    ['/'],
  );
  t.is(mountSelections({ ...exec, mounts: [root, { ...writable, output: 1 }] }, 1), undefined);
  const readonlyRoot: ExecMount = { ...root, readonly: true };
  t.is(mountSelections({ ...exec, mounts: [readonlyRoot] }, 0), undefined);
});

test('copies count by content, but for those from the tree that is changed', (t) => {
  const copy = (from: number, src: string) =>
    ({
      type: 'copy',
      input: from,
      src,
      dest: '/x',
      followSymlinks: true,
      dirCopyContents: true,
      allowWildcard: true,
      allowEmptyWildcard: true,
      createDestPath: true,
      attemptUnpack: false,
    }) as const;
  const op: FileOp = {
    type: 'file',
    inputs: [input('base'), input('context')],
    base: 0,
    actions: [copy(1, '/a'), copy(1, '/b*'), copy(0, '/etc'), copy(1, '/c\\*')],
  };
  t.is(copySelections(op, 0), undefined);
  t.deepEqual(
    copySelections(op, 1)?.map(({ path, mayBeMissing }) => [path, mayBeMissing]),
    [
      ['/a', false],
      ['/b*', true],
      ['/c\\*', false],
    ],
  );
});

test('the tail of an output is bounded in lines and bytes', (t) => {
  const tail = new OutputTail();
  for (let i = 0; i < 100_000; i++) tail.push(Buffer.from(`line ${i}\n`));
  t.deepEqual(tail.text().split('\n').length, 20);
  t.true(tail.text().endsWith('line 99999'));
  tail.push(Buffer.alloc(1_000_000, 'x'));
  t.is(tail.text().length, 16 * 1024);
  t.is(new OutputTail().text(), '');
});
