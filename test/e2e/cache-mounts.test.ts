// Caches of RUN --mount=type=cache that outlive the machine: --cache-mount-from, --cache-mount-to, tsbuild cache-mount.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Index, Manifest } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { openTsbuild, TSBUILD, type Tsbuild } from '../support/tsbuild.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, type Setting } from './setting.ts';

/** A step that fills its cache as a package manager does: what is there is not made again. `round` is in it, so that it runs. */
const dockerfile = (round: number, files: number): string => `${FROM_BUSYBOX}
RUN --mount=type=cache,id=npm,target=/root/.npm : ${round}; cd /root/.npm && echo "found $(ls | wc -l)" && \\
    for i in $(seq ${files}); do [ -e $i ] || head -c 100000 /dev/urandom > $i; done
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked : ${round}; echo ${round} > /var/cache/apt/round
`;

/** A machine of a CI system: its store is new. */
function newMachine(t: ExecutionContext, { work }: Setting, name: string): Tsbuild {
  const tsbuild = openTsbuild(join(work, name));
  t.teardown(() => tsbuild.stop());
  return tsbuild;
}

testNeeding(SETTING_NEEDS, 'a job on a new machine finds the caches of the job before', async (t) => {
  const setting = await makeSetting(t);
  const { registry } = setting;
  const place = `${registry.host}/team/caches:app`;
  const both = [`--cache-mount-from=${place}`, `--cache-mount-to=type=registry,ref=${place},max-size=1GB`];
  const job = async (name: string, text: string, flags: readonly string[] = both) => {
    const machine = newMachine(t, setting, name);
    const context = setting.context({ Dockerfile: text }, name);
    const args = ['build', '--progress=plain', `--build-arg=REGISTRY=${registry.host}`, ...flags, context];
    return { machine, output: outputOf(await machine.run(args)) };
  };
  const first = await job('one', dockerfile(1, 200));
  t.regex(first.output, /nothing is there yet/);
  t.regex(first.output, /found 0/);
  t.regex(first.output, /exporting cache mounts to [\s\S]*sending 20\.\d+MB/);

  const second = await job('two', dockerfile(2, 202));
  t.regex(second.output, /importing cache mount npm from/);
  t.regex(second.output, /importing cache mount \/var\/cache\/apt from/);
  t.regex(second.output, /found 200/);
  // 1% more of it: what is sent is a part of it.
  const sent = Number(/sending (\d+\.\d+)MB [\d.]+s done/.exec(second.output)?.[1]);
  t.true(sent < 8, second.output);

  // A job that mounts only one of them leaves the other where it is.
  const third = await job('three', `${FROM_BUSYBOX}RUN --mount=type=cache,id=npm,target=/n ls /n | wc -l\n`);
  t.regex(third.output, /202\n/);
  t.notRegex(third.output, /importing cache mount \/var/);
  t.regex(third.output, /exporting cache mounts[\s\S]*unchanged/);
  t.notRegex(third.output, /sending/);
  const ls = await third.machine.run(['cache-mount', 'ls', '--format', '{{.ID}} {{.Files}} {{.InUse}} {{.Sharing}}']);
  t.is(ls.stdout, 'npm 202 false shared\n');

  // Other tools read it as the OCI artifacts that it is.
  const raw = await exec('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${place}`]);
  const index = JSON.parse(raw.stdout) as Index;
  t.deepEqual(
    index.manifests.map(({ artifactType, annotations }) => [artifactType, annotations?.['vnd.tsbuild.cache-mount.id']]),
    [
      ['application/vnd.tsbuild.cache-mount.v1', '/var/cache/apt'],
      ['application/vnd.tsbuild.cache-mount.v1', 'npm'],
    ],
  );
  const copy = join(setting.work, 'copy');
  await exec('skopeo', [
    'copy',
    '--all',
    '--insecure-policy',
    '--src-tls-verify=false',
    `docker://${place}`,
    `oci:${copy}:x`,
  ]);
  const fourth = await job('four', dockerfile(4, 202), [`--cache-mount-from=oci-layout://${copy}:x,id=npm`]);
  t.regex(fourth.output, /found 202/);
  t.notRegex(fourth.output, /importing cache mount \/var/);
});

testNeeding(SETTING_NEEDS, 'a place that cannot be asked is a warning, or the end where it is required', async (t) => {
  const { context, build } = await makeSetting(t);
  const folder = context({ Dockerfile: dockerfile(1, 3) });
  const gone = '127.0.0.1:1/caches';
  const warned = await build(folder, 'a', `--cache-mount-from=${gone}`, `--cache-mount-to=${gone},ignore-error=true`);
  t.is(warned.code, 0, outputOf(warned));
  t.regex(outputOf(warned), /going on without: .*127\.0\.0\.1:1/);
  const required = await build(folder, 'b', '--no-cache', `--cache-mount-from=${gone},required=true,mode=replace`);
  t.is(required.code, 1);
  t.regex(outputOf(required), /127\.0\.0\.1:1/);
  const failed = await build(folder, 'c', '--no-cache', `--cache-mount-to=${gone}`);
  t.is(failed.code, 1);
  // A build whose steps are all cached mounts nothing, so it asks nobody.
  const cached = await build(folder, 'd', `--cache-mount-from=${gone},required=true`, `--cache-mount-to=${gone}`);
  t.is(cached.code, 0, outputOf(cached));
  const wrong = await build(folder, 'e', `--cache-mount-to=${gone},ignore-errors=true`);
  t.is(wrong.code, 125);
  t.regex(wrong.stderr, /did you mean ignore-error=/);
});

testNeeding(SETTING_NEEDS, 'BUILDKIT_CACHE_MOUNT_NS gives caches of their own, under names of their own', async (t) => {
  const { context, build, tsbuild, work } = await makeSetting(t);
  const text = `${FROM_BUSYBOX}RUN --mount=type=cache,id=npm,target=/c ls /c | wc -l && touch /c/f\n`;
  const folder = context({ Dockerfile: text });
  const layout = join(work, 'caches');
  t.regex(outputOf(await build(folder, 'a', `--cache-mount-to=${layout}`)), / 0\n/);
  const other = await build(
    folder,
    'b',
    '--no-cache',
    '--build-arg=BUILDKIT_CACHE_MOUNT_NS=team',
    `--cache-mount-from=${layout}`,
  );
  t.regex(outputOf(other), / 0\n/);
  t.regex(outputOf(await build(folder, 'c', '--no-cache', '--build-arg=BUILDKIT_CACHE_MOUNT_NS=team')), / 1\n/);
  const ids = await tsbuild.run(['cache-mount', 'ls', '-q']);
  t.deepEqual(ids.stdout.split('\n').sort(), ['', 'npm', 'team/npm']);
});

testNeeding(SETTING_NEEDS, 'tsbuild cache-mount: what it lists, removes, and says of mistakes', async (t) => {
  const { context, build, tsbuild, work } = await makeSetting(t);
  await build(context({ Dockerfile: dockerfile(1, 5) }), 'a');
  const json = await tsbuild.run(['cache-mount', 'ls', '--format=json', '--filter', 'id~=^n']);
  t.like(JSON.parse(json.stdout), { ID: 'npm', Mode: '0755', UID: '0', Instances: '1', Files: '5' });
  t.regex((await tsbuild.run(['cache-mount', 'ls'])).stdout, /^ID +NAME +SIZE +FILES +CREATED +LAST USED +IN USE\n/);
  const unknown = await tsbuild.run(['cache-mount', 'export', 'npmm', join(work, 'x.tar')]);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /no cache mount "npmm" in the store\n.*did you mean npm\?/);
  t.regex(
    (await tsbuild.run(['cache-mount', 'exprot', 'npm', 'x'])).stderr,
    /did you mean 'tsbuild cache-mount export'/,
  );
  t.regex((await tsbuild.run(['cache-mount', 'export', 'npm', 'nowhere'])).stderr, /write \.\/nowhere/);
  t.regex((await tsbuild.run(['cache-mount', 'ls', '--filter', 'it=x'])).stderr, /did you mean id/);
  // Through a pipe, from one store to another.
  const other = openTsbuild(join(work, 'other'));
  const pipe = `"${TSBUILD}" --root "${tsbuild.root}" cache-mount export --all - | "${TSBUILD}" --root "${other.root}" cache-mount import -`;
  const piped = await exec('sh', ['-c', pipe]);
  t.regex(piped.stdout, /npm: received 5\d\d(\.\d)?kB/);
  t.regex(piped.stderr, /npm: .* in 2 parts/);
  t.is((await other.run(['cache-mount', 'rm', 'npm'])).stdout, 'Deleted: npm\n');
  t.is((await other.run(['cache-mount', 'rm', 'npm'])).code, 1);
  t.is((await other.run(['cache-mount', 'rm', '-f', 'npm'])).code, 0);
  t.is((await other.run(['cache-mount', 'rm', '--all'])).code, 125);
  t.is((await other.run(['cache-mount', 'rm', '--all', '-f'])).stdout, 'Deleted: /var/cache/apt\n');
  t.deepEqual(readdirSync(join(other.root, 'cache-mounts')), []);
  other.stop();
});

testNeeding(
  SETTING_NEEDS,
  'kill -9 at any moment of an import leaves the old mount or the new one, and nothing else',
  async (t) => {
    const setting = await makeSetting(t);
    const { tsbuild, work } = setting;
    await setting.build(setting.context({ Dockerfile: dockerfile(1, 300) }), 'a');
    const layout = join(work, 'caches');
    await tsbuild.run(['cache-mount', 'export', 'npm', layout]);
    const [name = ''] = readdirSync(join(tsbuild.root, 'cache-mounts')).filter((entry) =>
      readFileSync(join(tsbuild.root, 'cache-mounts', entry, 'mount.json'), 'utf8').includes('npm'),
    );
    const instance = join(tsbuild.root, 'cache-mounts', name, '0');
    const makeOld = (): void => {
      rmSync(join(instance, 'data'), { recursive: true });
      mkdirSync(join(instance, 'data'));
      writeFileSync(join(instance, 'data', 'old'), '');
    };
    makeOld();
    const startedMs = Date.now();
    await tsbuild.run(['cache-mount', 'import', layout]);
    const usualMs = Date.now() - startedMs;
    let [olds, news] = [0, 0];
    for (let round = 0; round < 16; round++) {
      makeOld();
      const child = spawn(TSBUILD, ['cache-mount', 'import', layout], {
        env: tsbuild.env,
        stdio: 'ignore',
      });
      const exited = once(child, 'exit');
      await sleep(((round + 0.5) / 12) * usualMs);
      child.kill('SIGKILL');
      await exited;
      const entries = readdirSync(join(instance, 'data'));
      if (entries.length === 1) {
        t.deepEqual(entries, ['old']);
        olds++;
      } else {
        t.is(entries.length, 300);
        news++;
      }
    }
    t.log(`${olds} old, ${news} new; a whole import takes ${usualMs} ms`);
    t.true(olds > 0);
    const after = await tsbuild.run(['cache-mount', 'import', layout]);
    t.is(after.code, 0, outputOf(after));
    t.deepEqual(readdirSync(instance).sort(), ['data', 'parts.json', 'used'], outputOf(after));
    const built = await setting.build(setting.context({ Dockerfile: dockerfile(2, 300) }), 'b');
    t.deepEqual(readdirSync(join(tsbuild.root, 'ingest')), [], outputOf(built));
  },
);

testNeeding(SETTING_NEEDS, 'one mount alone is a manifest with the empty config', async (t) => {
  const { context, build, tsbuild, registry } = await makeSetting(t);
  await build(context({ Dockerfile: `${FROM_BUSYBOX}RUN --mount=type=cache,id=one,target=/c touch /c/f\n` }), 'a');
  const place = `${registry.host}/one:1`;
  const exported = await tsbuild.run(['cache-mount', 'export', '-q', 'one', place]);
  const raw = await exec('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${place}`]);
  const manifest = JSON.parse(raw.stdout) as Manifest;
  t.is(manifest.artifactType, 'application/vnd.tsbuild.cache-mount.v1');
  t.is(manifest.config.mediaType, 'application/vnd.oci.empty.v1+json');
  t.regex(exported.stdout, /^sha256:[0-9a-f]{64}\n$/);
});
