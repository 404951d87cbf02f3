// tsbuild lock, and builds that go by its file.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, checkLock, lockDockerfile, TsbuildError } from '../../src/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { exec, tryExec } from '../support/exec.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { testNeeding } from '../support/needs.ts';
import { TSBUILD, type Tsbuild } from '../support/tsbuild.ts';
import { startWebServer } from '../support/web-server.ts';
import { openRemotes, REMOTE_NEEDS, type RemoteSetting } from './remote-setting.ts';
import { outputOf } from './setting.ts';

const dockerfile = ({ registry, web, git }: RemoteSetting): string =>
  [
    '# syntax=docker/dockerfile:1',
    'ARG TAG=1',
    `FROM ${registry}/busybox:$TAG`,
    `ADD ${web.url}/file.txt /f`,
    `ADD --keep-git-dir ${git.url}/app.git#main /src/`,
    `ADD ${git.url}/app.git#main:dir /dir/`,
    `COPY --from=${registry}/busybox:1 /bin/busybox /b`,
    `RUN --mount=from=${registry}/busybox:1,target=/m cat /f /src/a.txt`,
    '',
  ].join('\n');

/** Builds with times that are the same each time; gives the image's ID. */
async function imageOf(tsbuild: Tsbuild, context: string, ...flags: readonly string[]): Promise<string> {
  const result = await tsbuild.run(['build', '-q', '--build-arg=SOURCE_DATE_EPOCH=1', ...flags, context]);
  return result.code === 0 ? result.stdout.trim() : outputOf(result);
}

testNeeding(REMOTE_NEEDS, 'a locked build gives the image that was locked, whatever moves', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, repository } = setting;
  const context = setting.context({ Dockerfile: dockerfile(setting) });
  const locked = await tsbuild.run(['lock', '--progress=plain', context]);
  t.is(locked.code, 0, outputOf(locked));
  t.regex(locked.stdout, /Dockerfile\.lock: 1 image, 1 URL, 1 git ref\n$/);
  const before = await imageOf(tsbuild, context);
  t.regex(before, /^sha256:[0-9a-f]{64}$/);
  t.is(await imageOf(tsbuild, context, '--locked'), before);

  await setting.moveTag('1');
  const commit = await repository.commit({ 'a.txt': 'two\n' });
  // A tag is not so much as looked up.
  const asked = setting.asked();
  t.is(await imageOf(tsbuild, context, '--locked'), before);
  t.is((await tsbuild.run(['build', '--locked', '--no-cache', context])).code, 0);
  t.is((await tsbuild.run(['build', '--locked', '--check', context])).code, 0);
  t.deepEqual(setting.asked(), asked, setting.requests());
  // Nor where all has to be fetched: times of a checkout are its own, so the files are compared.
  const elsewhere = setting.freshStore();
  const out = join(setting.work, 'out');
  const built = await elsewhere.run(['build', '-o', out, context], { env: { TSBUILD_LOCKED: '1' } });
  t.is(built.code, 0, outputOf(built));
  t.deepEqual(
    ['f', 'src/a.txt', 'dir/b.txt'].map((name) => readFileSync(join(out, name), 'utf8')),
    ['content\n', 'one\n', 'b\n'],
  );
  // Without --locked the file is not looked at.
  t.not(await imageOf(tsbuild, context, '--pull'), before);

  // One is brought up to date, the others stay.
  const updated = await tsbuild.run(['lock', '--update', `${setting.git.url}/app.git#main`, context]);
  t.regex(updated.stdout, new RegExp(`^~ http:\\S+#main [0-9a-f]{40} -> ${commit}\n\\S+: 1 image`), outputOf(updated));
  const all = await tsbuild.run(['lock', '--upgrade', context]);
  t.regex(all.stdout, /^~ \S+busybox:1 sha256:\w+ -> sha256:\w+\n/, outputOf(all));
  const text = readFileSync(join(context, 'Dockerfile.lock'), 'utf8');
  t.regex((await tsbuild.run(['lock', context])).stdout, /nothing changed\n$/);
  t.is(readFileSync(join(context, 'Dockerfile.lock'), 'utf8'), text);
  t.is(await imageOf(tsbuild, context, '--locked'), await imageOf(tsbuild, context, '--pull'));

  const unknown = await tsbuild.run(['lock', '--update', `${setting.registry}/busybox:2`, context]);
  t.regex(
    unknown.stderr,
    /has no "\S+busybox:2" to update\nhint: did you mean \S+busybox:1\? it has \S+busybox:1, http:\S+/,
  );
  for (const meant of ['busybox', 'bussybox', 'busybox:latest'])
    t.regex((await tsbuild.run(['lock', '--update', meant, context])).stderr, /did you mean \S+busybox:1\?/, meant);
  const noLock = ['--lock-file', join(setting.work, 'none.lock')];
  const none = await tsbuild.run(['lock', '--update', 'busybox', ...noLock, context]);
  t.regex(none.stderr, /none\.lock has no "busybox" to update\nhint: it names nothing/);
  const strange = await tsbuild.run(['lock', '--update', 'something-else', context]);
  t.regex(strange.stderr, /has no "something-else" to update\nhint: it has \S+busybox:1, http:\S+/);
});

testNeeding(REMOTE_NEEDS, 'what is not what was locked fails with its line', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry, web } = setting;
  const context = setting.context({ Dockerfile: `FROM ${registry}/busybox:1\nADD ${web.url}/file.txt /f\n` });
  t.is((await tsbuild.run(['lock', '-q', context])).code, 0);
  setting.content = 'changed\n';
  const changed = await setting.freshStore().run(['build', '--progress=plain', '--locked', context]);
  t.is(changed.code, 1);
  t.regex(changed.stderr, /> 2 \| ADD http:\S+\/file\.txt \/f/);
  t.regex(changed.stderr, /file\.txt is sha256:\w{64}, and sha256:434728\w+ is locked\n.*tsbuild lock --update http/);
  const error = await t.throwsAsync(build({ context, root: setting.freshStore().root, locked: true }), {
    instanceOf: TsbuildError,
    code: 'LOCK_MISMATCH',
  } as never);
  t.is((error as TsbuildError).details.expected, digestOf('content\n'));
  t.is((error as TsbuildError).details.actual, digestOf('changed\n'));

  // An image that its registry has not any more.
  const file = join(context, 'Dockerfile.lock');
  const text = readFileSync(file, 'utf8');
  const digest = /"digest": "(sha256:\w+)",\n\s+"mediaType"/.exec(text)?.[1] ?? '';
  writeFileSync(file, text.replace(digest, `sha256:${'1'.repeat(64)}`));
  const gone = await tsbuild.run(['build', '--locked', context]);
  t.regex(gone.stderr, /> 1 \| FROM [\s\S]*busybox:1 is locked to sha256:1{64}, which cannot be had[\s\S]*--update/);
});

testNeeding(REMOTE_NEEDS, 'a registry that is gone, and a mirror', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry } = setting;
  const context = setting.context({ Dockerfile: `FROM ${registry}/busybox:1\nRUN true\n` });
  t.is((await tsbuild.run(['lock', '--fetch', '-q', context])).code, 0);
  const other = await openRemotes(t);
  await setting.unplug();
  t.regex(await imageOf(tsbuild, context, '--locked'), /^sha256:/);
  const store = setting.freshStore();
  t.regex(await imageOf(store, context, '--locked'), /> 1 \| FROM[\s\S]*refused|cannot reach/);
  // The same content, from wherever it was got.
  t.is((await store.run(['pull', '-q', `${other.registry}/busybox:1`])).code, 0);
  t.regex(await imageOf(store, context, '--locked', '--offline'), /^sha256:/);
});

testNeeding([...REMOTE_NEEDS, 'unshare'], 'drift between Dockerfile and lock file, in builds and in CI', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry, web, git } = setting;
  const context = setting.context({ Dockerfile: dockerfile(setting) });
  const lock = join(context, 'Dockerfile.lock');
  t.regex(
    (await tsbuild.run(['build', '--locked', context])).stderr,
    /cannot read the lock file \S+Dockerfile\.lock: it does/,
  );
  t.is((await tsbuild.run(['lock', '-q', '--build-arg=TAG=1', '--build-arg=TOKEN=sesame', context])).code, 0);
  t.false(readFileSync(lock, 'utf8').includes('sesame'));
  const check = () => tryExec('unshare', ['--net', TSBUILD, 'lock', '--check', context], { env: tsbuild.env });
  t.deepEqual([(await check()).code, (await check()).stderr], [0, '']);

  setting.context({
    Dockerfile: `${dockerfile(setting)}FROM ${registry}/other:2\nADD ${web.url}/new /\nADD ${git.url}/app.git#v1 /\n`,
  });
  const names = [`image ${registry}/other:2 (linux/amd64)`, `url ${web.url}/new`, `git ${git.url}/app.git#v1`];
  const asked = setting.asked();
  for (const result of [await check(), await tsbuild.run(['build', '--progress=plain', '--locked', context])]) {
    t.is(result.code, 1);
    t.true(
      result.stderr.includes(
        `ERROR: Dockerfile.lock has not all that the Dockerfile names:\n  ${names.join('\n  ')}\n`,
      ),
      result.stderr,
    );
    for (const place of ['Dockerfile:9:6', 'Dockerfile:10:1', 'Dockerfile:11:1']) t.true(result.stderr.includes(place));
  }
  t.deepEqual(setting.asked(), asked, setting.requests());

  // What is left over is told, and does no harm.
  setting.context({ Dockerfile: `FROM ${registry}/busybox:1\n` });
  const less = await check();
  t.is(less.code, 0);
  t.is(less.stderr.match(/WARNING: .*which nothing names: tsbuild lock removes it/g)?.length, 2, less.stderr);
  const built = await tsbuild.run(['build', '--progress=plain', '--locked', context]);
  t.is(built.code, 0, outputOf(built));
  t.is(built.stderr.match(/^ - Dockerfile\.lock has \S+, which nothing names/gm)?.length, 2, built.stderr);
  const rows = await tsbuild.run(['lock', '--check', '--format', '{{.Change}} {{.Kind}}', context]);
  t.is(rows.stdout, 'leftover url\nleftover git\n');
  const dropped = await tsbuild.run(['lock', context]);
  t.is(dropped.stdout.match(/^- /gm)?.length, 2);

  // Arguments that decide what is named are noted, and taken for granted afterwards.
  setting.context({ Dockerfile: `ARG NAME\nARG NOTHING\nFROM ${registry}/$NAME\nRUN echo $NOTHING\n` });
  t.is((await tsbuild.run(['lock', '-q', '--build-arg=NAME=busybox:1', '--build-arg=NOTHING=n', context])).code, 0);
  t.deepEqual((JSON.parse(readFileSync(lock, 'utf8')) as { args: unknown }).args, { NAME: 'busybox:1' });
  t.is((await check()).code, 0);
  t.regex(await imageOf(tsbuild, context, '--locked', '--build-arg=NAME=busybox:1'), /^sha256:/);
});

testNeeding(REMOTE_NEEDS, 'a lock file is for the Dockerfile beside it, or where it is said to be', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry, work, repository, git } = setting;
  const text = `FROM ${registry}/busybox:1\n`;
  const context = setting.context({ 'deploy/app.Dockerfile': text });
  t.is((await tsbuild.run(['lock', '-q', '-f', join(context, 'deploy/app.Dockerfile'), context])).code, 0);
  t.true(existsSync(join(context, 'deploy/app.Dockerfile.lock')));
  const printed = await tsbuild.run(['lock', '-q', '--lock-file=-', '-f', '-', context], { input: text });
  t.is(printed.stdout, readFileSync(join(context, 'deploy/app.Dockerfile.lock'), 'utf8'));
  t.false(existsSync(join(context, 'Dockerfile.lock')));
  const file = join(work, 'other.lock');
  writeFileSync(file, printed.stdout);
  const streamed = await tsbuild.run(['build', '-q', '--locked', '--lock-file', file, '-'], { input: text });
  t.is(streamed.code, 0, outputOf(streamed));
  t.is((await tsbuild.run(['build', '-q', '--lock-file', file, context])).code, 125);
  t.regex(
    (await tsbuild.run(['lock', '-'], { input: text })).stderr,
    /nothing can be written beside it\nhint:.*--lock-file/,
  );

  // Of a tar it is the one in the tar.
  const [tar, bare] = [join(work, 'context.tar'), join(work, 'bare.tar')];
  await exec('tar', ['--create', '--file', tar, '--directory', join(context, 'deploy'), '.']);
  await exec('tar', ['--create', '--file', bare, '--directory', join(context, 'deploy'), 'app.Dockerfile']);
  const build = (file: string) =>
    tsbuild.run(['build', '-q', '--locked', '-f', 'app.Dockerfile', '-'], { input: readFileSync(file) });
  t.is((await build(tar)).code, 0);
  t.regex((await build(bare)).stderr, /cannot read the lock file app\.Dockerfile\.lock: it does not exist/);

  // Of a repository it is the one in the commit that is built.
  await repository.commit({ Dockerfile: text, 'Dockerfile.lock': printed.stdout });
  const remote = await tsbuild.run(['build', '-q', '--locked', `${git.url}/app.git#main`]);
  t.is(remote.code, 0, outputOf(remote));
  await repository.commit({ Dockerfile: `${text}ADD ${git.url}/app.git#v1 /\n` });
  const drifted = await tsbuild.run(['build', '--locked', `${git.url}/app.git#main`]);
  t.regex(drifted.stderr, /Dockerfile\.lock has not all that the Dockerfile names:\n {2}git http:\S+#v1/);
});

testNeeding(REMOTE_NEEDS, 'an index is locked once for all platforms, each of which it must have', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild } = setting;
  const blobs = new Map<string, Uint8Array>();
  const manifests = new Map<string, { mediaType: string; body: Uint8Array }>();
  const put = (body: object, mediaType: string): object => {
    const bytes = Buffer.from(JSON.stringify(body));
    const digest = digestOf(bytes);
    manifests.set(digest, { mediaType, body: bytes });
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const image = (architecture: string): object => {
    const config = put({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [] } }, MediaType.ociConfig);
    const manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [] };
    return { ...put(manifest, MediaType.ociManifest), platform: { os: 'linux', architecture } };
  };
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: ['amd64', 'arm64'].map(image) };
  const { digest } = put(index, MediaType.ociIndex) as { digest: string };
  manifests.set('1', { mediaType: MediaType.ociIndex, body: Buffer.from(JSON.stringify(index)) });
  const registry = await startFakeRegistry(manifests, blobs);
  t.teardown(() => registry.stop());
  const context = setting.context({
    Dockerfile: `FROM ${registry.host}/app:1\nARG TARGETARCH\nADD ${setting.web.url}/tool-$TARGETARCH /\n`,
  });
  const run = (...flags: string[]) => tsbuild.run(['lock', '--progress=plain', ...flags, context]);
  const both = await run('--platform=linux/arm64,linux/amd64');
  t.is(both.code, 0, outputOf(both));
  const lock = JSON.parse(readFileSync(join(context, 'Dockerfile.lock'), 'utf8')) as {
    platforms: string[];
    images: Record<string, unknown>;
    urls: Record<string, unknown>;
  };
  t.deepEqual(lock.platforms, ['linux/amd64', 'linux/arm64']);
  t.deepEqual(lock.images, {
    [`${registry.host}/app:1`]: { digest, mediaType: MediaType.ociIndex, platforms: ['linux/amd64', 'linux/arm64'] },
  });
  t.deepEqual(
    Object.keys(lock.urls).map((url) => url.slice(-5)),
    ['amd64', 'arm64'],
  );
  // The platforms stay what they were.
  t.regex((await run()).stdout, /nothing changed\n$/);
  for (const result of [await run('--platform=linux/s390x'), await run('--check', '--platform=linux/s390x')]) {
    t.is(result.code, 1);
    t.regex(result.stderr, /> 1 \| FROM [\s\S]*linux\/s390x/);
  }
});

testNeeding(REMOTE_NEEDS, 'no credential of a URL is written or shown anywhere', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, web, git, work } = setting;
  const withUser = (url: string): string => url.replace('//', '//someone:sesame-open@');
  const context = setting.context({
    Dockerfile: [
      'FROM scratch AS one',
      `ADD ${withUser(web.url)}/file.txt?token=sesame-open /f`,
      'FROM scratch',
      'COPY --from=one /f /f',
      'ARG PLACE',
      'ADD $PLACE/app.git#main /g/',
      `ADD ${withUser(web.url)}/other.txt /h`,
      '',
    ].join('\n'),
  });
  const args = [`--build-arg=PLACE=${withUser(git.url)}`, '--progress=plain'];
  const results = [
    await tsbuild.run(['build', '--offline', ...args, context]),
    await tsbuild.run(['lock', '--fetch', ...args, context]),
    await tsbuild.run(['build', '--locked', '-t', 'quiet:1', '--check', ...args, context]),
    await tsbuild.run(['build', '--locked', '-t', 'quiet:1', ...args, context]),
    await tsbuild.run(['build', '--offline', ...args, context]),
    await tsbuild.run(['history', '--no-trunc', 'quiet:1']),
    await tsbuild.run(['inspect', 'quiet:1']),
  ];
  setting.content = 'changed\n';
  results.push(await setting.freshStore().run(['build', '-D', '--locked', ...args, context]));
  await setting.unplug();
  results.push(await setting.freshStore().run(['build', '-D', ...args, context]));
  t.deepEqual(
    results.map(({ code }) => code),
    [1, 0, 0, 0, 0, 0, 0, 1, 1],
    results.map(outputOf).join('\n'),
  );
  for (const result of results) t.false(outputOf(result).includes('sesame-open'), outputOf(result));
  t.true(web.requests.some(({ headers }) => headers.authorization !== undefined));
  t.false(readFileSync(join(context, 'Dockerfile.lock'), 'utf8').includes('sesame-open'));
  for (const entry of readdirSync(work, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path === join(context, 'Dockerfile')) continue;
    t.false(readFileSync(path).includes('sesame-open'), path);
  }
});

testNeeding(REMOTE_NEEDS, 'the library locks and checks too', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild, registry } = setting;
  const context = setting.context({ Dockerfile: `FROM ${registry}/busybox:1\n` });
  const request = { context, root: tsbuild.root };
  const unwritten = await lockDockerfile({ ...request, write: false });
  t.false(existsSync(join(context, 'Dockerfile.lock')));
  const written = await lockDockerfile(request);
  t.is(written.text, unwritten.text);
  t.deepEqual(written.counts, { images: 1, urls: 0, git: 0 });
  t.deepEqual(
    written.changes.map(({ kind, name, from }) => [kind, name, from]),
    [['images', `${registry}/busybox:1`, undefined]],
  );
  t.deepEqual((await checkLock(request)).leftovers, []);
});

testNeeding(REMOTE_NEEDS, 'what is private is locked with the secrets that a build would take', async (t) => {
  const setting = await openRemotes(t);
  const { tsbuild } = setting;
  const web = await startWebServer((request, response) => {
    if (request.headers.authorization === 'Bearer sesame-open') response.end('private\n');
    else response.writeHead(401).end();
  });
  t.teardown(() => web.stop());
  const context = setting.context({ Dockerfile: `FROM scratch\nADD ${web.url}/file /f\n` });
  const refused = await tsbuild.run(['lock', context]);
  t.regex(refused.stderr, /> 2 \| ADD [\s\S]*401[\s\S]*--secret id=HTTP_AUTH_TOKEN_127\.0\.0\.1/);
  const secret = ['--secret', 'id=HTTP_AUTH_TOKEN_127.0.0.1,env=TOKEN'];
  const locked = await tsbuild.run(['lock', '--fetch', ...secret, context], { env: { TOKEN: 'sesame-open' } });
  t.is(locked.code, 0, outputOf(locked));
  t.is((await tsbuild.run(['build', '--locked', '--offline', context])).code, 0);
  t.false((outputOf(locked) + readFileSync(join(context, 'Dockerfile.lock'), 'utf8')).includes('sesame-open'));
});
