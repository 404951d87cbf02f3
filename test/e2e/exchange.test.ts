import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Descriptor, digestOf } from '../../src/oci/index.ts';
import { compareTrees } from '../support/compare-images.ts';
import { readImage, type Tree } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { stepsThatRan, warningsIn } from '../support/raw-steps.ts';
import { spawnBound } from '../support/spawn-bound.ts';
import { openTsbuild, TSBUILD, type Tsbuild } from '../support/tsbuild.ts';
import { startWebServer } from '../support/web-server.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, type Setting } from './setting.ts';

const DOCKERFILE = `ARG REGISTRY
FROM $REGISTRY/busybox:1 AS base
WORKDIR /work
RUN echo base > base.txt
FROM base AS build
COPY src/ /src/
RUN cat /src/a.txt > /out.txt && mkdir /dist && cp /out.txt /dist/x
FROM base
COPY --from=build /dist /dist
COPY --link b.txt /linked/b.txt
ADD src/a.txt /added
RUN --mount=type=bind,source=b.txt,target=/m.txt cat /m.txt > /m2.txt
ENV A=b
RUN echo $A > env.txt
`;
const FILES = { Dockerfile: DOCKERFILE, 'src/a.txt': 'hello\n', 'b.txt': 'b\n' };

interface Two {
  readonly setting: Setting;
  readonly context: string;
  /** Builds in a store that was never used before. */
  readonly fresh: (name: string, ...flags: string[]) => Promise<Built>;
}

interface Built {
  readonly tsbuild: Tsbuild;
  readonly code: number | null;
  readonly output: string;
  /** Steps that ran, by their text. */
  readonly ran: readonly string[];
}

async function openTwo(t: ExecutionContext, files: Readonly<Record<string, string>> = FILES): Promise<Two> {
  const setting = await makeSetting(t);
  const context = setting.context(files);
  return {
    setting,
    context,
    async fresh(name, ...flags) {
      const tsbuild = openTsbuild(join(setting.work, `store-${name}`));
      const result = await tsbuild.run([
        'build',
        '--progress=rawjson',
        `--build-arg=REGISTRY=${setting.registry.host}`,
        ...(flags.includes('--push') ? [] : ['-t=app:1']),
        ...flags,
        context,
      ]);
      const output = outputOf(result);
      const said = `${output}\n${warningsIn(output).join('\n')}`;
      return { tsbuild, code: result.code, output: said, ran: stepsThatRan(output) };
    },
  };
}

async function treeOf(t: ExecutionContext, { setting }: Two, { tsbuild }: Built, name: string): Promise<Tree> {
  const path = join(setting.work, `${name}.tar`);
  const saved = await tsbuild.run(['save', '-o', path, 'app:1']);
  t.is(saved.code, 0, outputOf(saved));
  return readImage(path).tree;
}

for (const mode of ['min', 'max'])
  testNeeding(
    SETTING_NEEDS,
    `what one store leaves in a registry and a directory serves another: mode=${mode}`,
    async (t) => {
      const two = await openTwo(t);
      const ref = `${two.setting.registry.host}/cache:app`;
      const dest = join(two.setting.work, 'exported');
      const first = await two.fresh(
        'one',
        `--cache-to=type=registry,ref=${ref},mode=${mode}`,
        `--cache-to=type=local,dest=${dest},mode=${mode}`,
      );
      t.is(first.code, 0, first.output);
      t.regex(first.output, /exporting cache to registry[\s\S]*writing cache image manifest sha256:/);
      const expected = await treeOf(t, two, first, 'one');
      for (const [name, source] of [
        ['registry', ref],
        ['local', `type=local,src=${dest}`],
      ] as const) {
        const second = await two.fresh(name, `--cache-from=${source}`);
        t.is(second.code, 0, second.output);
        t.deepEqual(second.ran, [], second.output);
        t.deepEqual(await treeOf(t, two, second, name), expected, second.output);
      }
    },
  );

testNeeding(SETTING_NEEDS, 'only what stands on a changed file runs', async (t) => {
  const two = await openTwo(t);
  const ref = `${two.setting.registry.host}/cache:app`;
  await two.fresh('one', `--cache-to=type=registry,ref=${ref},mode=max`);
  writeFileSync(join(two.context, 'b.txt'), 'changed\n');
  const changed = await two.fresh('two', `--cache-from=${ref}`);
  t.deepEqual(
    changed.ran.map((name) => name.slice(0, 12)).sort(),
    // ADD and RUN stand on COPY --link.
    ['ADD src/a.tx', 'COPY --link ', 'RUN --mount=', 'RUN echo b >'],
    changed.output,
  );
  // What was fetched is the store's own now.
  const again = await two.fresh('two');
  t.deepEqual(again.ran, [], again.output);
  writeFileSync(join(two.context, 'src/a.txt'), 'changed\n');
  const other = await two.fresh('three', `--cache-from=${ref}`);
  t.false(other.ran.includes('WORKDIR /work'));
  t.true(other.ran.some((name) => name.startsWith('COPY --from=build')));
});

testNeeding(
  SETTING_NEEDS,
  'a cache that is taken and left again keeps the stages that nobody looked into',
  async (t) => {
    const two = await openTwo(t);
    const ref = `${two.setting.registry.host}/cache:app`;
    await two.fresh('one', `--cache-to=type=registry,ref=${ref},mode=max`);
    const passed = await two.fresh('two', `--cache-from=${ref}`, `--cache-to=type=registry,ref=${ref},mode=max`);
    t.is(passed.code, 0, passed.output);
    t.deepEqual(passed.ran, [], passed.output);
    writeFileSync(join(two.context, 'b.txt'), 'changed\n');
    const last = await two.fresh('three', `--cache-from=${ref}`);
    t.deepEqual(
      last.ran.filter((name) => /src\/ |cat \/src|WORKDIR/.test(name)),
      [],
      last.output,
    );
  },
);

testNeeding(SETTING_NEEDS, 'an image carries the cache of its own layers', async (t) => {
  const two = await openTwo(t);
  const name = `${two.setting.registry.host}/app:1`;
  for (const flags of [['--cache-to=type=inline'], ['--build-arg=BUILDKIT_INLINE_CACHE=1']]) {
    const first = await two.fresh(`one${flags.join()}`, ...flags, '-t', name, '--push');
    t.is(first.code, 0, first.output);
    const second = await two.fresh(`two${flags.join()}`, `--cache-from=${name}`);
    t.deepEqual(second.ran, [], second.output);
  }
});

testNeeding(
  SETTING_NEEDS,
  'other forms are read as well: an index, zstd, layers that are not compressed',
  async (t) => {
    const two = await openTwo(t);
    const { host } = two.setting.registry;
    for (const [i, form] of [
      'image-manifest=false',
      'image-manifest=false,oci-mediatypes=false',
      'compression=zstd,compression-level=3,force-compression=true',
      'compression=uncompressed,force-compression=true',
    ].entries()) {
      const ref = `${host}/form${i}:1`;
      const first = await two.fresh('one', `--cache-to=type=registry,ref=${ref},mode=max,${form}`);
      t.is(first.code, 0, first.output);
      const second = await two.fresh(`two${i}`, `--cache-from=${ref}`, '-o', join(two.setting.work, `out${i}`));
      t.is(second.code, 0, second.output);
      t.deepEqual(second.ran, [], second.output);
      t.is(readFileSync(join(two.setting.work, `out${i}`, 'm2.txt'), 'utf8'), 'b\n');
    }
  },
);

testNeeding(
  SETTING_NEEDS,
  'a hit downloads nothing that nobody needs; an image goes to its registry without passing here',
  async (t) => {
    const two = await openTwo(t);
    const { host } = two.setting.registry;
    const ref = `${host}/cache:app`;
    await two.fresh('one', `--cache-to=type=registry,ref=${ref},mode=max`);
    const pushed = await two.fresh('two', `--cache-from=${ref}`, '-t', `${host}/pushed:1`, '--push');
    t.is(pushed.code, 0, pushed.output);
    t.deepEqual(pushed.ran, [], pushed.output);
    t.deepEqual(readdirSync(join(pushed.tsbuild.root, 'snapshots')), [], pushed.output);
    t.true(largestBlob(pushed.tsbuild.root) < 100_000);
    // It is whole where it went.
    const pulled = await openTsbuild(join(two.setting.work, 'store-three')).run(['pull', `${host}/pushed:1`]);
    t.is(pulled.code, 0, outputOf(pulled));
  },
);

testNeeding(SETTING_NEEDS, 'FROM, COPY --link and push never download the base', async (t) => {
  const two = await openTwo(t, { Dockerfile: `${FROM_BUSYBOX}COPY --link file /file\n`, file: 'x' });
  const name = `${two.setting.registry.host}/linked:1`;
  const pushed = await two.fresh('one', '-t', name, '--push');
  t.is(pushed.code, 0, pushed.output);
  t.true(largestBlob(pushed.tsbuild.root) < 100_000);
  // Kept in a store it is whole, and still nothing of the base is unpacked.
  const kept = await two.fresh('two');
  t.is(kept.code, 0, kept.output);
  t.true(largestBlob(kept.tsbuild.root) > 100_000);
  t.is(readdirSync(join(kept.tsbuild.root, 'snapshots')).length, 1);
  const tree = await treeOf(t, two, kept, 'kept');
  t.true(tree.has('file') && tree.has('bin/busybox'));
});

function largestBlob(root: string): number {
  const folder = join(root, 'blobs/sha256');
  return Math.max(0, ...readdirSync(folder).map((name) => statSync(join(folder, name)).size));
}

testNeeding(SETTING_NEEDS, 'what is not there, or is no cache, is a warning', async (t) => {
  const two = await openTwo(t);
  const { host } = two.setting.registry;
  const nothing = await two.fresh(
    'one',
    `--cache-from=${host}/nothing:1`,
    `--cache-from=${host}/busybox:1`,
    `--cache-from=type=local,src=${two.setting.work}/none`,
    '--cache-from=127.0.0.1:1/unreachable',
  );
  t.is(nothing.code, 0, nothing.output);
  for (const name of [`${host}/nothing:1`, `${host}/busybox:1`, 'none', '127.0.0.1:1/unreachable'])
    t.true(nothing.output.includes(name) && /no cache from/.test(nothing.output), name);
});

testNeeding(
  SETTING_NEEDS,
  'a place that cannot be written to fails the build, unless its errors are ignored',
  async (t) => {
    const two = await openTwo(t);
    const refuser = await startWebServer((request, response) => {
      response.writeHead(request.url === '/v2/' ? 200 : 403, { 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"DENIED","message":"read only"}]}');
    });
    t.teardown(() => refuser.stop());
    const refusing = `127.0.0.1:${refuser.port}`;
    const cases = [
      ['127.0.0.1:1/unreachable', /GET https:\/\/127\.0\.0\.1:1\/v2\/: connection refused/, /hint: nothing listens/],
      [`${refusing}/a/cache:1`, /(?:HEAD|POST) http:\S+\/v2\/a\/cache\/\S+: 403 Forbidden/, /hint: check the name/],
    ] as const;
    for (const [ref, answer, hint] of cases) {
      const to = `--cache-to=type=registry,ref=${ref}`;
      const failed = await two.fresh('one', to);
      t.is(failed.code, 1);
      const [said = ''] = /^ERROR: .*$/m.exec(failed.output) ?? [];
      t.true(said.startsWith(`ERROR: cannot export the cache to ${ref}: `), failed.output);
      t.regex(said, answer);
      t.notRegex(said, /sha256:.*sha256:|mediaType|cannot copy/);
      t.regex(failed.output, hint);
      t.regex(failed.output, /; with ignore-error=true in --cache-to the build goes on without$/m);
      const ignored = await two.fresh('one', `${to},ignore-error=true`);
      t.is(ignored.code, 0, ignored.output);
      t.true(ignored.output.includes(`\n${said.slice('ERROR: '.length)}`), ignored.output);
    }
  },
);

testNeeding(SETTING_NEEDS, 'a layer that is not what the cache says is never used: its steps run', async (t) => {
  const two = await openTwo(t);
  const dest = join(two.setting.work, 'exported');
  const first = await two.fresh('one', `--cache-to=type=local,dest=${dest},mode=max`);
  const expected = await treeOf(t, two, first, 'one');
  const blobs = join(dest, 'blobs/sha256');
  for (const name of readdirSync(blobs)) {
    const content = readFileSync(join(blobs, name));
    // Layers are compressed; manifest and config are text.
    if (content[0] !== 0x1f) continue;
    content[content.length - 9] = (content[content.length - 9] ?? 0) ^ 1;
    writeFileSync(join(blobs, name), content);
  }
  const atExport = await two.fresh('two', `--cache-from=type=local,src=${dest}`);
  t.is(atExport.code, 0, atExport.output);
  t.regex(atExport.output, /is not used any more, its steps run/);
  t.deepEqual(compareTrees(await treeOf(t, two, atExport, 'two'), expected), [], atExport.output);
  // The same where a step needs the layers, and where they are gone altogether.
  for (const name of readdirSync(blobs)) if (readFileSync(join(blobs, name))[0] === 0x1f) rmSync(join(blobs, name));
  writeFileSync(join(two.context, 'b.txt'), 'changed\n');
  const inStep = await two.fresh('three', `--cache-from=type=local,src=${dest}`);
  t.is(inStep.code, 0, inStep.output);
  t.regex(inStep.output, /is not used any more, its steps run/);
});

testNeeding(SETTING_NEEDS, 'a cache that lies about what is in a layer is not believed, unpacked or not', async (t) => {
  const two = await openTwo(t);
  const dest = join(two.setting.work, 'exported');
  const first = await two.fresh('one', `--cache-to=type=local,dest=${dest},mode=max`);
  const expected = await treeOf(t, two, first, 'one');
  const blob = (digest: string): string => join(dest, 'blobs', ...digest.split(':'));
  const index = JSON.parse(readFileSync(join(dest, 'index.json'), 'utf8'));
  const manifest = JSON.parse(readFileSync(blob(index.manifests[0].digest), 'utf8'));
  // Each blob is whole, and is another layer than it is said to be.
  const diffIDs = manifest.layers.map((layer: Descriptor) => layer.annotations?.['containerd.io/uncompressed']);
  for (const [i, layer] of manifest.layers.entries())
    layer.annotations['containerd.io/uncompressed'] = diffIDs[(i + 1) % diffIDs.length];
  const text = Buffer.from(JSON.stringify(manifest));
  Object.assign(index.manifests[0], { digest: digestOf(text), size: text.length });
  writeFileSync(blob(index.manifests[0].digest), text);
  writeFileSync(join(dest, 'index.json'), JSON.stringify(index));

  const kept = await two.fresh('two', `--cache-from=type=local,src=${dest}`);
  t.is(kept.code, 0, kept.output);
  t.regex(kept.output, /is not used any more, its steps run: .*a layer is not what its diff_id says/);
  t.deepEqual(compareTrees(await treeOf(t, two, kept, 'two'), expected), [], kept.output);
  writeFileSync(join(two.context, 'b.txt'), 'changed\n');
  const inStep = await two.fresh('three', `--cache-from=type=local,src=${dest}`);
  t.is(inStep.code, 0, inStep.output);
  t.regex(inStep.output, /is not used any more, its steps run: .*a layer is not what its diff_id says/);
});

testNeeding(SETTING_NEEDS, 'an export that is killed leaves what was there before', async (t) => {
  const two = await openTwo(t);
  const dest = join(two.setting.work, 'exported');
  const ref = `${two.setting.registry.host}/cache:app`;
  const to = [`--cache-to=type=local,dest=${dest},mode=max`, `--cache-to=type=registry,ref=${ref},mode=max`];
  await two.fresh('one', ...to);
  for (let round = 0; round < 4; round++) {
    writeFileSync(join(two.context, 'b.txt'), `round ${round}\n`);
    const child = spawnBound(
      TSBUILD,
      ['build', '--progress=plain', `--build-arg=REGISTRY=${two.setting.registry.host}`, ...to, two.context],
      { env: openTsbuild(join(two.setting.work, 'store-one')).env },
    );
    const ended = once(child, 'exit');
    child.stdout?.resume();
    child.stderr?.on('data', (chunk: Buffer) => {
      if (/exporting cache to/.test(chunk.toString())) setTimeout(() => child.kill('SIGKILL'), round * 15);
    });
    await ended;
    writeFileSync(join(two.context, 'b.txt'), 'b\n');
    for (const [name, source] of [
      ['local', `type=local,src=${dest}`],
      ['registry', ref],
    ] as const) {
      const after = await two.fresh(`${name}-${round}`, `--cache-from=${source}`);
      t.is(after.code, 0, after.output);
      // Of before or of the new build: the stages that are equal in both are found.
      t.false(after.ran.includes('WORKDIR /work'), after.output);
    }
  }
});

testNeeding(SETTING_NEEDS, 'reset drops from a directory what no tag needs', async (t) => {
  const two = await openTwo(t);
  const dest = join(two.setting.work, 'exported');
  await two.fresh('one', `--cache-to=type=local,dest=${dest},mode=max`);
  const before = readdirSync(join(dest, 'blobs/sha256'));
  writeFileSync(join(two.context, 'src/a.txt'), 'changed\n');
  await two.fresh('one', `--cache-to=type=local,dest=${dest},mode=max,reset=true`);
  const after = readdirSync(join(dest, 'blobs/sha256'));
  t.true(before.some((name) => !after.includes(name)));
  const second = await two.fresh('two', `--cache-from=type=local,src=${dest}`);
  t.deepEqual(second.ran, [], second.output);
});
