// Builds that ask nobody: those that must not, and those that need not.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, TsbuildError } from '../../src/index.ts';
import { tryExec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { TSBUILD } from '../support/tsbuild.ts';
import { openRemotes, REMOTE_NEEDS, type RemoteSetting } from './remote-setting.ts';
import { outputOf } from './setting.ts';

/** Reads from all three servers. */
const dockerfile = ({ registry, web, git }: RemoteSetting): string =>
  [
    `FROM ${registry}/busybox:1 AS tools`,
    `ADD ${web.url}/file.txt /f`,
    'FROM scratch AS unused',
    `ADD ${web.url}/unused /f`,
    `FROM ${registry}/busybox:1`,
    `ADD ${git.url}/app.git#main /src/`,
    'COPY --from=tools /f /f',
    'RUN echo built',
    '',
  ].join('\n');

testNeeding(REMOTE_NEEDS, 'an offline build tells all that it lacks at once, before anything runs', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry, web, git } = setting;
  const context = setting.context({ Dockerfile: dockerfile(setting) });
  const before = setting.asked();
  const cache = ['--cache-from', `type=registry,ref=${registry}/cache`];
  const args = ['build', '--progress=plain', '--offline', '--push', '-t', 'registry.example/app:1', ...cache, context];
  const result = await tsbuild.run(args);
  t.is(result.code, 1);
  t.deepEqual(setting.asked(), before, setting.requests());
  for (const line of [
    'ERROR: --offline, and this build needs 5 things of the network:',
    `  image ${registry}/busybox:1 (linux/amd64): tsbuild pull ${registry}/busybox:1`,
    `  url ${web.url}/file.txt: tsbuild lock --fetch ${context}`,
    `  git ${git.url}/app.git#main: tsbuild lock --fetch ${context}`,
    '  push of registry.example/app:1: tsbuild push registry.example/app:1',
    `  cache ${registry}/cache: leave out its flag, or use a directory (type=local)`,
  ])
    t.true(result.stderr.includes(`${line}\n`), `${line}\n${result.stderr}`);
  for (const place of ['Dockerfile:2:1', 'Dockerfile:6:1']) t.true(result.stderr.includes(place), result.stderr);
  t.notRegex(result.stderr, /^#\d+ .*RUN echo|url \S+unused/m);

  const error = await t.throwsAsync(build({ context, root: tsbuild.root, offline: true }), {
    instanceOf: TsbuildError,
  });
  t.is(error.code, 'OFFLINE');
  t.is(error.details.count, 3);
  t.deepEqual(
    (JSON.parse(String(error.details.missing)) as { kind: string; line: number }[]).map(({ kind, line }) => [
      kind,
      line,
    ]),
    [
      ['url', 2],
      ['image', 5],
      ['git', 6],
    ],
  );
});

testNeeding([...REMOTE_NEEDS, 'unshare'], 'what it tells to do is enough to build without a network', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild } = setting;
  const context = setting.context({ Dockerfile: dockerfile(setting) });
  const fetched = await tsbuild.run(['lock', '--fetch', '--progress=plain', context]);
  t.is(fetched.code, 0, outputOf(fetched));
  await setting.unplug();
  const built = await tryExec('unshare', ['--net', TSBUILD, 'build', '--progress=plain', '--offline', context], {
    env: tsbuild.env,
  });
  t.is(built.code, 0, outputOf(built));
  t.regex(built.stderr, /offline: http:\S+\/file\.txt is taken as an earlier build found it/);
  t.regex(built.stderr, /offline: main is taken to be [0-9a-f]{40}, as last seen/);
  t.regex(built.stderr, / built$/m);
});

testNeeding([...REMOTE_NEEDS, 'strace'], 'an offline build opens no socket to any address', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, work } = setting;
  const context = setting.context({ Dockerfile: dockerfile(setting) });
  t.is((await tsbuild.run(['lock', '--fetch', '-q', context])).code, 0);
  const trace = async (name: string, ...args: readonly string[]): Promise<readonly string[]> => {
    const file = join(work, name);
    const calls = 'trace=socket,connect,sendto,sendmsg,sendmmsg,bind';
    await tryExec('strace', ['-f', '-qq', '-e', calls, '-o', file, TSBUILD, ...args], { env: tsbuild.env });
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /sin6?_addr/.test(line));
  };
  // The measure itself: with a network there is something to see.
  t.not((await trace('online', 'build', '-q', '--pull', context)).length, 0);
  // Setting up the loopback interface of a container takes a socket too; nothing is spoken to over it.
  t.deepEqual(await trace('offline', 'build', '-q', '--offline', '--no-cache', '--network=none', context), []);
});

testNeeding(REMOTE_NEEDS, 'a build whose inputs are local sends no request', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry, web, git, repository } = setting;
  const commit = await repository.git('rev-parse', 'HEAD');
  const sum = 'sha256:434728a410a78f56fc1b5899c3593436e61ab0c731e9072d95e96db290205e53';
  const pulled = await tsbuild.run(['pull', `${registry}/busybox:1`]);
  const digest = /Digest: (\S+)/.exec(pulled.stdout)?.[1] ?? '';
  const lines = (word: string): string =>
    [
      `FROM ${registry}/busybox:1 AS tag`,
      `FROM ${registry}/busybox:1@${digest} AS both`,
      `FROM ${registry}/busybox@${digest}`,
      `ADD --checksum=${sum} ${web.url}/file.txt /f`,
      `ADD ${git.url}/app.git#${commit} /src/`,
      'COPY --from=tag /bin/busybox /1',
      'COPY --from=both /bin/busybox /2',
      `RUN echo ${word}`,
      '',
    ].join('\n');
  const first = await tsbuild.run(['build', '--progress=plain', setting.context({ Dockerfile: lines('first') })]);
  t.is(first.code, 0, outputOf(first));
  const before = setting.asked();
  const second = await tsbuild.run(['build', '--progress=plain', setting.context({ Dockerfile: lines('second') })]);
  t.regex(second.stderr, / second$/m);
  // Nor does one that runs everything again.
  const again = await tsbuild.run(['build', '--progress=plain', '--no-cache', setting.context({})]);
  t.is(again.code, 0, outputOf(again));
  t.deepEqual(setting.asked(), before, setting.requests());
  // A checksum is enough: another address of the same file needs nobody either.
  const moved = lines('second').replace('/file.txt', '/mirror/file.txt');
  t.is((await tsbuild.run(['build', setting.context({ Dockerfile: moved })])).code, 0);
  t.deepEqual(setting.asked(), before, setting.requests());
});

testNeeding(REMOTE_NEEDS, '--pull says when registries are asked', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry } = setting;
  const context = setting.context({ Dockerfile: `FROM ${registry}/busybox:1\nRUN true\n` });
  const run = (...flags: string[]) => tsbuild.run(['build', '-q', ...flags, context]);
  const never = await run('--pull=never');
  t.regex(never.stderr, /no such image/);
  t.is(setting.asked().registry, 0);
  t.is((await run()).code, 0);
  const count = setting.asked().registry;
  for (const flags of [[], ['--pull=missing'], ['--pull=never'], ['--pull=false']]) t.is((await run(...flags)).code, 0);
  t.is(setting.asked().registry, count);

  await setting.moveTag('1');
  const label = async (...flags: string[]): Promise<string> => {
    const { stdout, stderr } = await run(...flags);
    const shown = await tsbuild.run(['inspect', '--format', '{{json .Config.Labels}}', stdout.trim()]);
    return shown.stdout.trim() + stderr;
  };
  t.is(await label('--pull=missing'), 'null');
  t.regex(await label('--pull=newer'), /moved/);
  t.true(setting.asked().registry > count);
  await setting.moveTag('1');
  const newest = await label('--pull');
  t.regex(newest, /moved/);
  await setting.unplug();
  t.is(await label('--pull=newer'), newest);
  const always = await run('--pull=always');
  t.is(always.code, 1);
  t.regex(always.stderr, /FROM 127[\s\S]*cannot reach|refused/);
  const contradiction = await run('--pull', '--offline');
  t.regex(contradiction.stderr, /--pull asks registries, and --offline asks nobody/);
  const wrong = await run('--pull=newest');
  t.is(wrong.code, 125);
  t.regex(wrong.stderr, /true, false, always, missing, newer or never\n.*did you mean newer\?/);
});

testNeeding(
  REMOTE_NEEDS,
  'contexts and Dockerfiles that are elsewhere are told too; other commands refuse',
  async (t) => {
    const setting = await openRemotes(t);
    const { tsbuild, git, web, registry } = setting;
    const offline = { env: { TSBUILD_OFFLINE: '1' } };
    const remote = await tsbuild.run(['build', `${git.url}/app.git#main`], offline);
    t.regex(remote.stderr, /ERROR: --offline, and this build needs something of the network:\n {2}git http:\S+#main/);
    mkdirSync(join(setting.work, 'empty'));
    const file = await tsbuild.run(['build', '-f', `${web.url}/Dockerfile`, join(setting.work, 'empty')], offline);
    t.regex(file.stderr, /url http:\S+\/Dockerfile: /);
    const pull = await tsbuild.run(['pull', `${registry}/busybox:1`], offline);
    t.regex(pull.stderr, /busybox was not asked: --offline/);
    t.is((await tsbuild.run(['images'], { env: { TSBUILD_OFFLINE: 'maybe' } })).code, 125);
    t.deepEqual(setting.asked(), { registry: 0, web: 0, git: 0 }, setting.requests());
    // What the flag says wins over the variable.
    const context = setting.context({ Dockerfile: `FROM ${registry}/busybox:1\n` });
    t.is((await tsbuild.run(['build', '-q', '--offline=false', context], offline)).code, 0);
  },
);

testNeeding(REMOTE_NEEDS, 'an offline build that comes to want what was removed tells it with its line', async (t) => {
  const setting = await openRemotes(t);
  const { registry, web } = setting;
  const tsbuild = setting.freshStore();
  const sum = 'sha256:434728a410a78f56fc1b5899c3593436e61ab0c731e9072d95e96db290205e53';
  // Only the config of the image is in the store: what needs its files needs its layers.
  const metadata = setting.context({ Dockerfile: `FROM ${registry}/busybox:1\n` }, 'metadata');
  t.is((await tsbuild.run(['build', '--check', metadata])).code, 0);
  // Layers that go into an archive as they are.
  const archive = join(setting.work, 'archive.tar');
  const exported = await tsbuild.run(['build', '--offline', '-o', `type=oci,dest=${archive}`, metadata]);
  t.regex(exported.stderr, /Dockerfile:1:1[\s\S]*needs something of the network:\n {2}layers of image /);
  const context = setting.context({
    Dockerfile: `FROM ${registry}/busybox:1\nADD --checksum=${sum} ${web.url}/file.txt /f\nRUN true\n`,
  });
  const result = await tsbuild.run(['build', '--progress=plain', '--offline', context]);
  t.is(result.code, 1);
  t.regex(result.stderr, /needs 2 things of the network:\n {2}layers of image \S+busybox\S* .*\n {2}url /);
  t.regex(result.stderr, /Dockerfile:1:1[\s\S]*Dockerfile:2:1/);
});
