// What comes in a stream or lies elsewhere is hostile, large, or cut short; and it is gone when the build is.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { testNeeding } from '../support/needs.ts';
import { writeTar } from '../support/tar-writer.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, TSBUILD, type Tsbuild } from '../support/tsbuild.ts';
import { startWebServer } from '../support/web-server.ts';
import { outputOf } from './setting.ts';

function openRoom(t: ExecutionContext): { readonly work: string; readonly tsbuild: Tsbuild } {
  const work = makeTempDir('streams');
  t.teardown(() => removeTree(work));
  return { work, tsbuild: openTsbuild(join(work, 'store')) };
}

/** Trees in the making; none may be left. */
function listActive({ root }: Tsbuild): string[] {
  return readdirSync(join(root, 'snapshots')).filter((name) => /^(?:active|removed)-/.test(name));
}

const file = (name: string, content: string) => ({ name, type: '0', content }) as const;
const BUILD = ['build', '--progress=plain'] as const;

testNeeding(['root'], 'a hostile tar writes, and reads, nothing outside of its tree', async (t) => {
  const { work, tsbuild } = openRoom(t);
  const outside = join(work, 'outside');
  writeFileSync(outside, 'not for the build');
  const out = join(work, 'out');
  const tar = writeTar([
    file('../escaped', 'x'),
    { name: 'door', type: '2', linkname: work },
    file('door/through', 'x'),
    { name: 'Dockerfile', type: '2', linkname: '/etc/../dir/real' },
    file('dir/real', 'FROM scratch\nCOPY door /door\n'),
  ]);
  const built = await tsbuild.run([...BUILD, '-o', out, '-'], { input: tar });
  // Either it is refused, or it stays inside.
  t.false(existsSync(join(work, 'escaped')) || existsSync(join(work, 'through')));
  t.deepEqual(listActive(tsbuild), []);
  if (built.code !== 0) t.regex(outputOf(built), /cannot be unpacked|TAR_/);
  for (const linkname of [outside, `../../../../../../../../../../..${outside}`, 'Dockerfile']) {
    const stolen = await tsbuild.run([...BUILD, '-'], {
      input: writeTar([{ name: 'Dockerfile', type: '2', linkname }]),
    });
    t.is(stolen.code, 1);
    t.regex(outputOf(stolen), /no Dockerfile at Dockerfile in standard input|links go in a circle/);
    t.notRegex(outputOf(stolen), /not for the build/);
  }
});

testNeeding(['root'], 'a stream that is no context says what it is', async (t) => {
  const { tsbuild, work } = openRoom(t);
  const tar = writeTar([file('docker/Dockerfile.dev', 'FROM scratch\n'), file('a', 'x'.repeat(5000))]);
  const gzip = execFileSync('gzip', ['-c'], { input: tar });
  const cases: readonly (readonly [string, string | Buffer, readonly string[], RegExp])[] = [
    ['nothing', '', ['-'], /context from standard input is empty/],
    ['a tar without one', tar, ['-'], /no Dockerfile at Dockerfile in standard input\nhint: it holds a, docker; name/],
    ['a near name', tar, ['-f', 'docker/Dockerfile', '-'], /did you mean -f docker\/Dockerfile\.dev\?/],
    ['a folder', tar, ['-f', 'docker', '-'], /cannot read the Dockerfile docker: it is a directory/],
    [
      'compressed, but no tar',
      execFileSync('gzip', ['-c'], { input: 'FROM scratch' }),
      ['-'],
      /what is inside is not a tar/,
    ],
    ['a tar that is cut short', tar.subarray(0, 2000), ['-'], /from standard input cannot be unpacked/],
    [
      'a gzip that is cut short',
      gzip.subarray(0, gzip.length - 20),
      ['-'],
      /standard input (?:cannot be unpacked|is compressed)/,
    ],
    [
      '-f without a tar',
      'FROM scratch\n',
      ['-f', 'x', '-'],
      /cannot read the Dockerfile x: standard input is no archive/,
    ],
    ['a tar for -f -', tar, ['-f', '-', work], /standard input is an archive, not a Dockerfile/],
    [
      'a Dockerfile that wants files',
      'FROM scratch\nCOPY a /\n',
      ['-'],
      /"\/a": not found\nhint: the build has no context: give a directory, and -f - for a Dockerfile/,
    ],
    ['both', tar, ['-f', '-', '-'], /cannot be both the build context and the Dockerfile/],
    [
      '17 MiB of text',
      'FROM scratch\n'.padEnd(17 * 1024 * 1024, '#'),
      ['-'],
      /more than 16777216 bytes and is no archive/,
    ],
  ];
  for (const [title, input, args, said] of cases) {
    const built = await tsbuild.run([...BUILD, ...args], { input });
    t.not(built.code, 0, title);
    t.regex(outputOf(built), said, title);
    t.notRegex(outputOf(built), /\n {4}at /, title);
  }
  t.deepEqual(listActive(tsbuild), []);
});

testNeeding(
  ['root'],
  'a stream leaves nothing on disk: after the build, when it is stopped, when it is killed',
  async (t) => {
    const { tsbuild } = openRoom(t);
    const whole = writeTar([file('Dockerfile', 'FROM scratch\nCOPY big /\n'), file('big', 'x'.repeat(3_000_000))]);
    t.is((await tsbuild.run([...BUILD, '-'], { input: whole })).code, 0);
    t.deepEqual(listActive(tsbuild), []);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const child = spawn(TSBUILD, [...BUILD, '-'], { env: tsbuild.env, stdio: ['pipe', 'ignore', 'ignore'] });
      const ended = once(child, 'exit');
      child.stdin.on('error', () => {});
      child.stdin.write(whole.subarray(0, 2_000_000));
      while (listActive(tsbuild).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill(signal);
      await ended;
      if (signal === 'SIGKILL') {
        t.is(listActive(tsbuild).length, 2);
        t.is((await tsbuild.run([...BUILD, '-'], { input: 'FROM scratch\n' })).code, 0);
      }
      t.deepEqual(listActive(tsbuild), [], signal);
    }
  },
);

testNeeding(['root'], 'what no step needs is not fetched', async (t) => {
  const { tsbuild, work } = openRoom(t);
  const web = await startWebServer((_, response) => void response.end('FROM scratch\n'));
  t.teardown(() => web.stop());
  const contexts = [`a=${web.url}/a.tar`, `b=git://127.0.0.1:${web.port}/b.git`, `c=oci-layout://${work}/none`];
  const flags = contexts.flatMap((context) => ['--build-context', context]);
  const input = 'FROM a AS unused\nRUN x\nFROM scratch\nENV a=b\n';
  const built = await tsbuild.run([...BUILD, ...flags, '-f', '-', `${web.url}/context`], { input });
  t.is(built.code, 0, outputOf(built));
  t.deepEqual(web.requests, []);
});

testNeeding(['root', 'skopeo'], 'an OCI layout as a base: its config, its layers, its damage', async (t) => {
  const { tsbuild, work } = openRoom(t);
  const layout = join(work, 'layout');
  const base = 'FROM scratch\nENV FROM=layout\nONBUILD ENV ON=build\nWORKDIR /made\n';
  const output = `type=oci,tar=false,dest=${layout}`;
  t.is((await tsbuild.run([...BUILD, '-o', output, '-t', 'base:1', '-'], { input: base })).code, 0);
  // A store that has never seen the base.
  const fresh = openTsbuild(join(work, 'fresh'));
  const build = (value: string) =>
    fresh.run([...BUILD, '--build-context', `base=${value}`, '-t', 'built', '-'], {
      input: 'FROM base\nWORKDIR more\n',
    });
  for (const value of [`oci-layout://${layout}`, `oci-layout://${layout}:1`]) {
    const built = await build(value);
    t.is(built.code, 0, outputOf(built));
  }
  const { stdout } = await fresh.run(['image', 'inspect', 'built']);
  const [image] = JSON.parse(stdout) as [{ readonly Config: { readonly Env: string[]; readonly WorkingDir: string } }];
  t.true(image.Config.Env.includes('FROM=layout') && image.Config.Env.includes('ON=build'));
  t.is(image.Config.WorkingDir, '/made/more');
  t.regex(outputOf(await build(`oci-layout://${layout}:nope`)), /has no image "nope"/);
  t.regex(outputOf(await build(`oci-layout://${work}`)), /is not an OCI image layout/);

  const blobs = join(layout, 'blobs/sha256');
  for (const name of readdirSync(blobs)) writeFileSync(join(blobs, name), 'damaged');
  rmSync(fresh.root, { recursive: true });
  const damaged = await build(`oci-layout://${layout}`);
  t.is(damaged.code, 1);
  t.regex(outputOf(damaged), /expected|bytes/);
});

testNeeding(['root'], 'contexts that mean nothing are refused before anything is built', async (t) => {
  const { tsbuild, work } = openRoom(t);
  mkdirSync(join(work, 'dir'));
  const cases: readonly (readonly [string, RegExp])[] = [
    ['a', /it is no pair/],
    ['=x', /it has no name/],
    ['a=', /there is nothing after the =/],
    ['scratch=dir', /scratch is a word of the language/],
    ['Context=dir', /is a word of the language/],
    ['A=dir', /must be lower case/],
    ['a::nonsense=dir', /invalid platform/],
    ['a=ftp://x/y', /nothing is read by ftp:\/\//],
    ['a=docker-image://UP', /must be lower case/],
    ['a=oci-layout://', /it names no directory/],
    ['a=oci-layout://x@sha256:1', /not a digest/],
    ['a=target:', /it names no stage/],
    ['a=no-such-folder', /build context "a" at .*no-such-folder: it does not exist/],
    ['a=git://127.0.0.1/x.git?nonsense=1', /has no option "nonsense"/],
  ];
  for (const [value, said] of cases) {
    const built = await tsbuild.run([...BUILD, '--build-context', value, '-'], { input: 'FROM scratch\n', cwd: work });
    t.not(built.code, 0, value);
    t.regex(outputOf(built), said, value);
  }
  const missing = await tsbuild.run([...BUILD, '--build-context', 'a=target:b', '-'], { input: 'FROM a\n' });
  t.regex(outputOf(missing), /a is target:b, and the file has no stage of that name/);
});
