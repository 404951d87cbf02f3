import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { copyGraph, createStoreTarget } from '../../src/content/index.ts';
import { createRegistryClient, type RegistryRepository } from '../../src/registry/index.ts';
import { putImage, putIndex } from '../content/test-image.ts';
import { openTestStore } from '../content/test-store.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { CREDENTIALS, type Registry, startRegistry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { cutConnections, describeBlob, repositoryAt } from './servers.ts';

const NEEDS = ['docker-registry'];

async function openRegistry(t: ExecutionContext, options: Parameters<typeof startRegistry>[0] = {}): Promise<Registry> {
  const registry = await startRegistry(options);
  t.teardown(() => registry.stop());
  return registry;
}

async function openStore(t: ExecutionContext) {
  const store = await openTestStore();
  t.teardown(store.dispose);
  return store.content;
}

/** A home in which somebody has logged in. */
function loggedIn(t: ExecutionContext, host: string, entry: object): NodeJS.ProcessEnv {
  const home = makeTempDir('home');
  t.teardown(() => removeTree(home));
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths: { [host]: entry } }));
  return { HOME: home };
}

const basicEntry = (username: string, password: string) => ({
  auth: Buffer.from(`${username}:${password}`).toString('base64'),
});

const tagsOf = async (repository: RegistryRepository): Promise<string[]> => {
  const tags: string[] = [];
  for await (const tag of repository.tags()) tags.push(tag);
  return tags;
};

testNeeding([...NEEDS, 'skopeo'], 'an index is pushed, read by skopeo, and pulled into an empty store', async (t) => {
  const registry = await openRegistry(t);
  const from = await openStore(t);
  const one = await putImage(from);
  const two = await putImage(from, { platform: { os: 'linux', architecture: 'arm64' } });
  const root = await putIndex(from, [one.manifest, two.manifest]);
  const repository = repositoryAt(t, registry.host, 'deep/path/app');
  const pushed = await copyGraph(createStoreTarget(from), repository, root);
  t.is(pushed.copied.length, 9);
  await repository.tag(root, 'v1');
  const { stdout } = await exec('skopeo', [
    'inspect',
    '--raw',
    '--tls-verify=false',
    `docker://${registry.host}/deep/path/app:v1`,
  ]);
  t.is(JSON.parse(stdout).manifests.length, 2);

  const again = await copyGraph(createStoreTarget(from), repository, root);
  t.deepEqual([again.copied.length, again.existing.length], [0, 1]);

  const to = await openStore(t);
  const fresh = repositoryAt(t, registry.host, 'deep/path/app');
  const resolved = await fresh.resolve('v1');
  t.deepEqual(resolved, root);
  t.deepEqual(await fresh.resolve(root.digest), root);
  const pulled = await copyGraph(fresh, createStoreTarget(to), resolved);
  t.is(pulled.copied.length, 9);
  for (const { digest, size } of pulled.copied) t.is(to.stat(digest)?.size, size);
});

testNeeding(NEEDS, 'blobs are mounted from another repository, and sent where it has none', async (t) => {
  const registry = await openRegistry(t);
  const from = await openStore(t);
  const image = await putImage(from);
  const client = createRegistryClient({ env: { HOME: '/nonexistent' } });
  t.teardown(() => client.close());
  const at = (path: string) => client.repository({ domain: registry.host, path });
  await copyGraph(createStoreTarget(from), at('first/app'), image.manifest);
  const mountFrom = () => ['no/such', 'first/app'];
  const mounted = await copyGraph(createStoreTarget(from), at('second/app'), image.manifest, { mountFrom });
  t.deepEqual([mounted.mounted.length, mounted.copied.length], [3, 1]);
  const other = await putImage(from);
  const sent = await copyGraph(createStoreTarget(from), at('second/app'), other.manifest, { mountFrom });
  t.deepEqual([sent.mounted.length, sent.copied.length], [0, 4]);
  t.true(await at('second/app').exists(image.manifest));
});

testNeeding(NEEDS, 'from one repository to another without a store between', async (t) => {
  const registry = await openRegistry(t);
  const from = await openStore(t);
  const image = await putImage(from, { layers: Array.from({ length: 20 }, () => randomBytes(200_000)) });
  const source = repositoryAt(t, registry.host, 'a');
  await copyGraph(createStoreTarget(from), source, image.manifest);
  const other = await openRegistry(t);
  const { copied } = await copyGraph(source, repositoryAt(t, other.host, 'b'), image.manifest, { concurrency: 20 });
  t.is(copied.length, 22);
  // One registry on both sides: downloads and uploads must not wait for each other's connections.
  const client = createRegistryClient({ env: { HOME: '/nonexistent' }, connectionsPerHost: 2 });
  t.teardown(() => client.close());
  const [a, c] = ['a', 'c'].map((path) => client.repository({ domain: registry.host, path }));
  if (a === undefined || c === undefined) throw new Error('two repositories were made');
  t.is((await copyGraph(a, c, image.manifest, { concurrency: 20 })).copied.length, 22);
});

testNeeding(NEEDS, 'what is not there is said, with the tag that was probably meant', async (t) => {
  const registry = await openRegistry(t);
  const from = await openStore(t);
  const image = await putImage(from);
  const repository = repositoryAt(t, registry.host);
  await copyGraph(createStoreTarget(from), repository, image.manifest);
  await repository.tag(image.manifest, 'bookworm');
  await repository.tag(image.manifest, 'latest');
  t.deepEqual((await tagsOf(repository)).sort(), ['bookworm', 'latest']);
  const error = await t.throwsAsync(repository.resolve('bookwrom'), { code: 'MANIFEST_UNKNOWN' });
  t.like(error, { hint: `did you mean ${registry.host}/some/app:bookworm?` });
  t.regex(error?.message ?? '', /^(HEAD|GET) http:\/\/.*\/v2\/some\/app\/manifests\/bookwrom: 404 Not Found/);
  const missing = { ...image.manifest, digest: `sha256:${'0'.repeat(64)}` as const };
  await t.throwsAsync(repository.resolve(missing.digest), { code: 'MANIFEST_UNKNOWN' });
  await t.throwsAsync(repository.fetch({ ...missing, mediaType: 'x' }), { code: 'BLOB_UNKNOWN' });
  await t.throwsAsync(repository.resolve('../../x'), { code: 'REFERENCE_INVALID' });
});

testNeeding(NEEDS, 'a registry that is not there is refused at once', async (t) => {
  const repository = repositoryAt(t, '127.0.0.1:1');
  const error = await t.throwsAsync(repository.resolve('v1'), { code: 'REGISTRY_UNREACHABLE' });
  t.regex(error?.message ?? '', /connection refused/);
  t.like(error, { hint: 'nothing listens on 127.0.0.1:1: check host and port, and that the registry runs' });
});

testNeeding(NEEDS, 'basic auth: credentials of config.json are taken, their absence is explained', async (t) => {
  const registry = await openRegistry(t, { auth: 'basic' });
  const from = await openStore(t);
  const image = await putImage(from);
  const login = loggedIn(t, registry.host, basicEntry(CREDENTIALS.username, CREDENTIALS.password));
  const known = repositoryAt(t, registry.host, 'app', { env: login });
  t.is((await copyGraph(createStoreTarget(from), known, image.manifest)).copied.length, 4);
  t.true(await known.exists(image.manifest));

  const stranger = repositoryAt(t, registry.host, 'app');
  const refused = await t.throwsAsync(stranger.resolve(image.manifest.digest), { code: 'REGISTRY_UNAUTHORIZED' });
  t.like(refused, { details: { status: 401 } });
  const { hint } = refused as unknown as { hint: string };
  t.true(hint.includes(`docker login ${registry.host}`) && hint.includes('/nonexistent/.docker/config.json'));

  const wrong = loggedIn(t, registry.host, basicEntry(CREDENTIALS.username, 'wrong-password'));
  const error = await t.throwsAsync(repositoryAt(t, registry.host, 'app', { env: wrong }).resolve('v1'), {
    code: 'REGISTRY_UNAUTHORIZED',
  });
  t.false(JSON.stringify([error?.message, error]).includes('wrong-password'));
});

testNeeding(
  [...NEEDS, 'openssl'],
  'token auth: one token for many layers, anonymous pulls, no anonymous push',
  async (t) => {
    const registry = await openRegistry(t, { auth: 'token' });
    const from = await openStore(t);
    const image = await putImage(from, { layers: Array.from({ length: 10 }, () => randomBytes(10_000)) });
    const login = loggedIn(t, registry.host, basicEntry(CREDENTIALS.username, CREDENTIALS.password));
    const client = createRegistryClient({ env: login });
    t.teardown(() => client.close());
    const app = client.repository({ domain: registry.host, path: 'team/app' });
    await copyGraph(createStoreTarget(from), app, image.manifest);
    await app.tag(image.manifest, 'v1');
    // What may push may also pull.
    t.is((await app.resolve('v1')).digest, image.manifest.digest);
    const requests = () => registry.tokens?.requests ?? [];
    t.deepEqual(
      requests().map(({ account, scopes }) => [account, scopes]),
      [[CREDENTIALS.username, ['repository:team/app:pull,push']]],
    );

    const copy = client.repository({ domain: registry.host, path: 'team/copy' });
    const { mounted } = await copyGraph(createStoreTarget(from), copy, image.manifest, {
      mountFrom: () => ['team/app'],
    });
    t.is(mounted.length, 11);
    const ofMount = requests().find(({ scopes }) => scopes.length === 2);
    t.deepEqual([...(ofMount?.scopes ?? [])].sort(), ['repository:team/app:pull', 'repository:team/copy:pull,push']);

    const to = await openStore(t);
    const stranger = repositoryAt(t, registry.host, 'team/app');
    await copyGraph(stranger, createStoreTarget(to), await stranger.resolve('v1'));
    t.truthy(to.stat(image.manifest.digest));
    const refused = await t.throwsAsync(stranger.tag(image.manifest, 'v2'), { code: 'REGISTRY_UNAUTHORIZED' });
    t.truthy((refused as { hint?: string } | undefined)?.hint);
  },
);

testNeeding([...NEEDS, 'openssl'], 'token auth: an identity token is exchanged by OAuth2', async (t) => {
  const registry = await openRegistry(t, { auth: 'token' });
  const { realm, service } = registry.tokens ?? { realm: '', service: '' };
  const authorization = `Basic ${Buffer.from(`${CREDENTIALS.username}:${CREDENTIALS.password}`).toString('base64')}`;
  const answer = await fetch(`${realm}?service=${service}`, { headers: { authorization } });
  const { refresh_token: identitytoken } = (await answer.json()) as { refresh_token: string };
  const from = await openStore(t);
  const image = await putImage(from);
  const login = loggedIn(t, registry.host, { identitytoken });
  await copyGraph(createStoreTarget(from), repositoryAt(t, registry.host, 'app', { env: login }), image.manifest);
  const last = registry.tokens?.requests.at(-1);
  t.like(last, { method: 'POST', status: 200, account: CREDENTIALS.username });
});

testNeeding(
  [...NEEDS, 'openssl'],
  'token auth: wrong credentials are refused by the token server, and not shown',
  async (t) => {
    const registry = await openRegistry(t, { auth: 'token' });
    const login = loggedIn(t, registry.host, basicEntry(CREDENTIALS.username, 'wrong-password'));
    const error = await t.throwsAsync(repositoryAt(t, registry.host, 'app', { env: login }).resolve('v1'), {
      code: 'REGISTRY_UNAUTHORIZED',
    });
    t.regex(error?.message ?? '', /token server answered 401 to the stored credentials/);
    t.false(JSON.stringify([error?.message, error, error?.stack]).includes('wrong-password'));
  },
);

testNeeding(NEEDS, 'an upload whose connection breaks begins again where the registry lost count', async (t) => {
  const registry = await openRegistry(t);
  const proxy = await cutConnections(t, registry.host, { direction: 'up', afterBytes: 5_000_000, cuts: 2 });
  const bytes = randomBytes(8_000_000);
  const repository = repositoryAt(t, proxy.host);
  await repository.push(describeBlob(bytes), { open: (offset = 0) => Readable.from(split(bytes.subarray(offset))) });
  t.is(proxy.cuts(), 2);
  t.true(await repository.exists(describeBlob(bytes)));
});

testNeeding(NEEDS, 'a download whose connection breaks goes on where it stopped', async (t) => {
  const registry = await openRegistry(t);
  const bytes = randomBytes(16_000_000);
  const blob = describeBlob(bytes);
  await repositoryAt(t, registry.host).push(blob, { open: () => Readable.from(split(bytes)) });
  const proxy = await cutConnections(t, registry.host, { direction: 'down', afterBytes: 5_000_000, cuts: 2 });
  const stream = await repositoryAt(t, proxy.host).fetch(blob);
  t.true(Buffer.concat(await stream.toArray()).equals(bytes));
  t.is(proxy.cuts(), 2);
});

testNeeding(NEEDS, 'reading begins at an offset, and the empty blob is a blob', async (t) => {
  const registry = await openRegistry(t);
  const repository = repositoryAt(t, registry.host);
  const bytes = randomBytes(100_000);
  for (const content of [bytes, Buffer.alloc(0)]) {
    const blob = describeBlob(content);
    t.false(await repository.exists(blob));
    await repository.push(blob, { open: () => Readable.from(split(content)) });
    t.true(await repository.exists(blob));
  }
  const stream = await repository.fetch(describeBlob(bytes), { offset: 99_000 });
  t.true(Buffer.concat(await stream.toArray()).equals(bytes.subarray(99_000)));
  t.is((await (await repository.fetch(describeBlob(Buffer.alloc(0)))).toArray()).length, 0);
});

testNeeding(NEEDS, 'a registry refuses bytes that are not what they are called', async (t) => {
  const registry = await openRegistry(t);
  const repository = repositoryAt(t, registry.host);
  const blob = describeBlob(Buffer.from('right'));
  await t.throwsAsync(repository.push(blob, { open: () => Readable.from([Buffer.from('wrong')]) }), {
    code: 'DIGEST_MISMATCH',
  });
  t.false(await repository.exists(blob));
});

testNeeding(NEEDS, 'an aborted push ends with the reason, and leaves nothing that counts', async (t) => {
  const registry = await openRegistry(t);
  const repository = repositoryAt(t, registry.host);
  const controller = new AbortController();
  const blob = { ...describeBlob(Buffer.from('x')), size: 10_000_000 };
  const pushing = repository.push(
    blob,
    {
      open: () =>
        Readable.from(
          (async function* () {
            yield Buffer.alloc(1_000_000);
            controller.abort(new Error('the user left'));
            await new Promise((resolve) => setTimeout(resolve, 5000));
          })(),
        ),
    },
    { signal: controller.signal },
  );
  await t.throwsAsync(pushing, { message: 'the user left' });
  t.false(await repository.exists(blob));
});

function* split(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
