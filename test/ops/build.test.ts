import { chownSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePatterns } from '../../src/dockerfile/ignore/index.ts';
import { errorCode, TsbuildError } from '../../src/errors.ts';
import type { State } from '../../src/llb/index.ts';
import type { ExecMount } from '../../src/llb/ops.ts';
import { testNeeding } from '../support/needs.ts';
import { copyStep, localContext, runStep } from './steps.ts';
import { openWorkbench, writeFiles } from './workbench.ts';

const NEEDS = ['root', 'busybox'];

/** FROM busybox; COPY a /; RUN …; COPY b /; RUN … */
function twoFiles(base: State): State {
  const withA = copyStep(base, localContext(), '/a', '/a');
  const ranA = runStep(withA, 'cat /a > /from-a');
  const withB = copyStep(ranA, localContext(), '/b', '/b');
  return runStep(withB, 'cat /from-a /b > /both; echo built');
}

testNeeding(NEEDS, 'a cached rebuild executes nothing; a change runs exactly what reads it', async (t) => {
  const bench = await openWorkbench(t);
  const head = twoFiles(bench.base);
  writeFiles(bench.context, { a: 'one ', b: 'two', unread: 'x' });
  const first = await bench.solve(head);
  t.is(first.executed.length, 4);
  t.regex(first.output, /built/);
  t.is(bench.read(first.result, '/both'), 'one two');

  const again = await bench.solve(head);
  t.deepEqual([again.executed, again.cached.length], [[], 4]);
  t.deepEqual(again.result, first.result);

  writeFiles(bench.context, { unread: 'y', 'new/file': 'z' });
  t.deepEqual((await bench.solve(head)).executed, []);

  writeFiles(bench.context, { b: 'TWO' });
  const changed = await bench.solve(head);
  t.deepEqual(changed.executed, ['COPY /b /b', 'RUN cat /from-a /b > /both; echo built']);
  t.is(bench.read(changed.result, '/both'), 'one TWO');

  writeFileSync(join(bench.context, 'b'), 'two');
  utimesSync(join(bench.context, 'b'), 1, 1);
  t.deepEqual((await bench.solve(head)).result, first.result, 'the old content is a hit, whatever its time');
});

testNeeding(NEEDS, 'another directory with the same content, and a moved source, are hits', async (t) => {
  const bench = await openWorkbench(t);
  const other = await openWorkbench(t);
  writeFiles(bench.context, { 'v1/a': 'content' });
  writeFiles(other.context, { 'v2/a': 'content' });
  await bench.solve(copyStep(bench.base, localContext(), '/v1/a', '/x'));
  const contexts = { moved: { directory: other.context } };
  const moved = await bench.solve(copyStep(bench.base, localContext('moved'), '/v2/a', '/x'), { contexts });
  t.deepEqual([moved.executed, moved.cached], [[], ['COPY /v2/a /x']]);
});

testNeeding(NEEDS, 'a stage that comes out the same spares what copies from it', async (t) => {
  const bench = await openWorkbench(t);
  const build = (text: string) => {
    const compiled = runStep(
      bench.base,
      `echo ${text} >/dev/null; mkdir /out; echo binary > /out/tool; touch /junk-${text}`,
    );
    return runStep(copyStep(bench.base, compiled, '/out/tool', '/bin/tool'), 'cat /bin/tool');
  };
  const first = await bench.solve(build('1'));
  const second = await bench.solve(build('2'));
  t.is(second.executed.length, 1);
  t.deepEqual(second.result, first.result);
});

testNeeding(NEEDS, 'COPY onto nothing makes a tree of its own', async (t) => {
  const bench = await openWorkbench(t);
  const compiled = runStep(bench.base, 'mkdir /out && echo hello > /out/file');
  const { result } = await bench.solve(copyStep(undefined, compiled, '/out', '/'));
  const upper = result?.kind === 'snapshot' && bench.snapshotter.view(result.name ?? '').lowers;
  t.deepEqual(upper && readdirSync(upper[0] ?? ''), ['file']);
});

testNeeding(NEEDS, 'a missing source is named, and .dockerignore is blamed when it hides it', async (t) => {
  const bench = await openWorkbench(t);
  writeFiles(bench.context, { 'src/main.c': '', secret: '' });
  const copy = (src: string) => copyStep(bench.base, localContext(), src, '/x');
  const missing = await t.throwsAsync(bench.solve(copy('/src/mian.c')), { instanceOf: TsbuildError });
  t.deepEqual([missing?.code, missing?.message], ['COPY_SOURCE_NOT_FOUND', '"/src/mian.c": not found']);
  t.is(missing?.hint, 'did you mean "src/main.c"?');
  const ignore = compilePatterns(['secret']);
  const hidden = await t.throwsAsync(bench.solve(copy('/secret'), { ignore }), { instanceOf: TsbuildError });
  t.regex(hidden?.hint ?? '', /\.dockerignore excludes it/);
  t.deepEqual((await bench.solve(copy('/*.none'))).executed.length, 1, 'a pattern may match nothing');
});

testNeeding(NEEDS, 'a failed RUN tells its exit code and last lines, and leaves nothing behind', async (t) => {
  const bench = await openWorkbench(t);
  const before = readdirSync(bench.store.paths.snapshots).length;
  const failing = runStep(bench.base, 'seq 1 100; echo oops >&2; exit 3');
  const error = await t.throwsAsync(bench.solve(failing), { instanceOf: TsbuildError });
  t.is(error?.code, 'BUILD_RUN_FAILED');
  t.is(
    error?.message,
    'process "/bin/sh -c seq 1 100; echo oops >&2; exit 3" did not complete successfully: exit code: 3',
  );
  t.is(error?.details.exitCode, 3);
  const lines = String(error?.details.output).split('\n');
  t.deepEqual([lines.length, lines.at(-1)], [20, 'oops']);
  t.is(readdirSync(bench.store.paths.snapshots).length, before);
});

testNeeding(NEEDS, 'an abort ends a RUN at once, and leaves nothing behind', async (t) => {
  const bench = await openWorkbench(t);
  const before = readdirSync(bench.store.paths.snapshots).length;
  const controller = new AbortController();
  const build = bench.solve(runStep(bench.base, 'sleep 60'), { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('Ctrl-C')), 200);
  const startMs = Date.now();
  await t.throwsAsync(build, { message: 'Ctrl-C' });
  t.true(Date.now() - startMs < 30_000);
  t.is(readdirSync(bench.store.paths.snapshots).length, before);
});

testNeeding(NEEDS, 'a bind mount is read-only, of the content that counts, and leaves no trace', async (t) => {
  const bench = await openWorkbench(t);
  writeFiles(bench.context, { 'src/a': 'A', 'src/.git/x': 'hidden', other: '1' });
  const ignore = compilePatterns(['**/.git']);
  const head = runStep(bench.base, 'ls -a /mnt > /list; cat /mnt/a >> /list; touch /mnt/a || echo read-only >> /list', {
    inputs: [localContext()],
    mounts: [{ type: 'bind', input: 1, target: '/mnt', selector: '/src', readonly: true, output: -1 }],
  });
  const first = await bench.solve(head, { ignore });
  t.is(bench.read(first.result, '/list'), '.\n..\na\nAread-only\n');
  t.is(bench.read(first.result, '/mnt/a'), undefined);
  writeFiles(bench.context, { other: '2', 'src/.git/x': 'changed' });
  t.deepEqual((await bench.solve(head, { ignore })).executed, []);
  writeFiles(bench.context, { 'src/a': 'B' });
  t.is((await bench.solve(head, { ignore })).executed.length, 1);
});

testNeeding(NEEDS, 'a writable bind mount without an output loses what is written', async (t) => {
  const bench = await openWorkbench(t);
  writeFiles(bench.context, { a: 'A' });
  const head = runStep(bench.base, 'echo more >> /mnt/a; cat /mnt/a > /seen', {
    inputs: [localContext()],
    mounts: [{ type: 'bind', input: 1, target: '/mnt', selector: '/', readonly: false, output: -1 }],
  });
  const { result } = await bench.solve(head);
  t.is(bench.read(result, '/seen'), 'Amore\n');
  t.is((await bench.solve(runStep(head, 'test ! -e /mnt/a'))).executed.length, 1);
});

testNeeding(NEEDS, 'a cache mount keeps its content between RUNs and stays out of the image', async (t) => {
  const bench = await openWorkbench(t);
  const cache = {
    type: 'cache',
    id: 'deps',
    target: '/cache',
    sharing: 'locked',
    readonly: false,
    input: -1,
    selector: '/',
    mode: 0o750,
    uid: 1000,
    gid: 1000,
  } as const;
  const run = (script: string) => runStep(bench.base, script, { mounts: [cache] });
  await bench.solve(run('echo kept > /cache/file'));
  const { result } = await bench.solve(run('cat /cache/file > /copy; stat -c "%a %u %g" /cache >> /copy'));
  t.is(bench.read(result, '/copy'), 'kept\n750 1000 1000\n');
  t.is(bench.read(result, '/cache/file'), undefined);
});

testNeeding(NEEDS, 'a cache mount starts from a tree, and is as that is', async (t) => {
  const bench = await openWorkbench(t);
  const seed = runStep(
    bench.base,
    'mkdir -p /seed/sub; echo start > /seed/sub/file; chown -R 1000:1000 /seed; chmod 700 /seed',
  );
  const cache = (uid: number, owned?: true): ExecMount => ({
    type: 'cache',
    id: 'seeded',
    target: '/cache',
    sharing: 'shared',
    readonly: false,
    input: 1,
    selector: '/seed',
    mode: 0o755,
    uid,
    gid: 0,
    ...(owned ? { owned } : {}),
  });
  const run = async (mount: ExecMount) => {
    const script = 'cat /cache/sub/file > /copy; stat -c "%a %u %g" /cache /cache/sub >> /copy';
    const { result } = await bench.solve(runStep(bench.base, script, { inputs: [seed], mounts: [mount] }));
    return bench.read(result, '/copy');
  };
  t.is(await run(cache(0)), 'start\n700 1000 1000\n755 1000 1000\n');
  t.is(await run(cache(7, true)), 'start\n755 7 0\n755 1000 1000\n');
});

testNeeding(NEEDS, "files of a context are root's, files of a stage keep their owner", async (t) => {
  const bench = await openWorkbench(t);
  writeFiles(bench.context, { file: '' });
  chownSync(join(bench.context, 'file'), 1234, 1234);
  const stage = runStep(bench.base, 'touch /made; chown 1000:1000 /made');
  const copied = copyStep(copyStep(bench.base, localContext(), '/file', '/file'), stage, '/made', '/made');
  const { result } = await bench.solve(runStep(copied, 'stat -c %u /file /made > /owners'));
  t.is(bench.read(result, '/owners'), '0\n1000\n');
});

testNeeding(NEEDS, 'proxies reach the process and no key', async (t) => {
  const bench = await openWorkbench(t);
  const run = (proxy: string) =>
    runStep(bench.base, 'echo $http_proxy', { meta: { proxyEnv: [`http_proxy=${proxy}`] } });
  const first = await bench.solve(run('http://one'));
  t.regex(first.output, /http:\/\/one/);
  t.deepEqual((await bench.solve(run('http://two'))).executed, []);
});

testNeeding(NEEDS, 'a snapshot that is gone is made again', async (t) => {
  const bench = await openWorkbench(t);
  const head = runStep(bench.base, 'echo 1 > /file');
  const { result } = await bench.solve(head);
  if (result?.kind === 'snapshot') await (await bench.snapshotter.retire([result.name ?? '']))();
  t.is((await bench.solve(head)).executed.length, 1);
});

testNeeding(NEEDS, 'a context that changes while it is copied is looked at again', async (t) => {
  const bench = await openWorkbench(t);
  for (let i = 0; i < 300; i++) writeFiles(bench.context, { [`src/${i}`]: `${i}` });
  let counter = 0;
  const writer = setInterval(() => writeFiles(bench.context, { 'src/299': `changed ${counter++}` }), 1);
  const head = copyStep(bench.base, localContext(), '/src', '/src');
  // Either it got a quiet moment, or it says why not.
  const outcome = await bench.solve(head).then(
    () => 'built',
    (error: unknown) => errorCode(error),
  );
  clearInterval(writer);
  t.true(outcome === 'built' || outcome === 'CONTEXT_CHANGED', String(outcome));
  const { result } = await bench.solve(head);
  t.is(bench.read(result, '/src/299'), `changed ${counter - 1}`);
  rmSync(join(bench.context, 'src'), { recursive: true });
});

testNeeding(NEEDS, 'an empty stage can be copied from and mounted', async (t) => {
  const bench = await openWorkbench(t);
  const missing = await t.throwsAsync(bench.solve(copyStep(bench.base, undefined, '/x', '/x')));
  t.deepEqual([errorCode(missing), missing?.message], ['COPY_SOURCE_NOT_FOUND', '"/x": not found']);
  const nothing = copyStep(bench.base, undefined, '/*', '/');
  const empty: ExecMount = { type: 'bind', input: -1, target: '/mnt', selector: '/', readonly: true, output: -1 };
  const { result } = await bench.solve(runStep(nothing, 'ls -A /mnt > /list', { mounts: [empty] }));
  t.is(bench.read(result, '/list'), '');
});

testNeeding(
  NEEDS,
  'steps that lock the same caches in another order both get them; one step may mount a cache twice',
  async (t) => {
    const bench = await openWorkbench(t);
    const lock = (id: string, target: string): ExecMount => ({
      type: 'cache',
      id,
      target,
      sharing: 'locked',
      readonly: false,
      input: -1,
      selector: '/',
      mode: 0o755,
      uid: 0,
      gid: 0,
    });
    // Whoever finds the other's mark was not alone.
    const script = (n: number) =>
      `test ! -e /x/mark && touch /x/mark /y/mark && sleep 0.2 && rm /x/mark /again/mark && echo ${n} > /done${n}`;
    const mounts = [lock('x', '/x'), lock('y', '/y'), lock('y', '/again')];
    const one = runStep(bench.base, script(1), { mounts });
    const two = runStep(bench.base, script(2), { mounts: mounts.toReversed() });
    const both = copyStep(copyStep(bench.base, one, '/done1', '/'), two, '/done2', '/');
    const { result } = await bench.solve(both);
    t.deepEqual([bench.read(result, '/done1'), bench.read(result, '/done2')], ['1\n', '2\n']);
  },
);

testNeeding(NEEDS, 'a writable mount with an output is a result of its own; a tmpfs leaves nothing', async (t) => {
  const bench = await openWorkbench(t);
  const data = runStep(bench.base, 'mkdir /data; echo old > /data/file');
  const head = runStep(bench.base, 'echo new >> /mnt/data/file; echo gone > /scratch/file; cat /scratch/file', {
    inputs: [data],
    mounts: [
      { type: 'bind', input: 1, target: '/mnt', selector: '/', readonly: false, output: 1 },
      { type: 'tmpfs', target: '/scratch' },
    ],
  });
  const root = await bench.solve(head);
  t.regex(root.output, /gone/);
  t.is(bench.read(root.result, '/scratch/file'), undefined);
  const mount = await bench.solve({ ...head, index: 1 });
  t.deepEqual(mount.executed, []);
  t.is(bench.read(mount.result, '/data/file'), 'old\nnew\n');
});
