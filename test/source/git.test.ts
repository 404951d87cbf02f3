import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { TsbuildError } from '../../src/errors.ts';
import { native } from '../../src/native/index.ts';
import { OFFLINE, ONLINE } from '../../src/network.ts';
import { gitSourceOp, parseGitUrl } from '../../src/remote-url/index.ts';
import { createGitSource } from '../../src/source/git/source.ts';
import { exec, tryExec } from '../support/exec.ts';
import { makeRepository, startGitDaemon, startGitHttp, startSshd } from '../support/git-server.ts';
import { spawnBound } from '../support/spawn-bound.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { startWebServer } from '../support/web-server.ts';
import { type FetchedTree, fetchTree, openSourceRoom, sourceOp } from './room.ts';

interface RoomOptions {
  readonly allows?: (authorization: string | undefined, path: string) => boolean;
  readonly oldProtocol?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

async function openRoom(t: ExecutionContext, options: RoomOptions = {}) {
  const room = await openSourceRoom(t);
  const repositories = join(room.root, 'repositories');
  const repository = await makeRepository(join(repositories, 'repo.git'));
  const first = await repository.commit({ 'a.txt': 'one', 'dir/b.txt': 'b' });
  const server = await startGitHttp(repositories, options.allows, options);
  t.teardown(() => server.stop());
  const { store, snapshotter, readSecrets } = room;
  const agents = { paths: new Map<string, string>() };
  const settings = {
    store,
    snapshotter,
    native,
    secrets: readSecrets,
    network: ONLINE,
    ...(options.env === undefined ? {} : { env: options.env }),
    sshAgents: { open: async (id: string) => ({ path: agents.paths.get(id) ?? '', close: async () => {} }) },
  };
  const source = createGitSource(settings);
  return {
    settings,
    ...room,
    repositories,
    repository,
    first,
    server,
    source,
    agents,
    fetch: (url: string): Promise<FetchedTree> => {
      const parsed = parseGitUrl(
        url.startsWith('/') || url.startsWith('#') || url.startsWith('?') ? `${server.url}/repo.git${url}` : url,
      );
      if (parsed === undefined) throw new Error(`${url} is no git URL`);
      return fetchTree(room, source, gitSourceOp(parsed));
    },
  };
}

const read = (tree: FetchedTree, name: string): string => readFileSync(join(tree.path, name), 'utf8');

test('refs are found as git finds them, and a commit is one tree under all of its names', async (t) => {
  const room = await openRoom(t);
  const { repository, first } = room;
  const second = await repository.commit({ 'a.txt': 'two' });
  await repository.git('tag', '-a', 'v1', '-m', 'v1', first);
  await repository.git('tag', 'light', first);
  await repository.git('branch', 'light', second);
  await repository.git('update-ref', 'refs/pull/7/head', first);

  const latest = await room.fetch('#');
  t.is(read(latest, 'a.txt'), 'two');
  t.false(existsSync(join(latest.path, '.git')));
  t.is((await room.fetch('#main')).digest, latest.digest);
  t.is((await room.fetch(`#${second}`)).digest, latest.digest);
  t.is((await room.fetch('#light')).digest, latest.digest, 'a branch comes before a tag');
  const tagged = await room.fetch('?tag=light');
  t.is(read(tagged, 'a.txt'), 'one');
  for (const name of ['#v1', '?tag=v1', `#${first}`, '#pull/7/head', '#refs/pull/7/head', `?commit=${first}`])
    t.is((await room.fetch(name)).digest, tagged.digest, name);
  // The server speaks to us once a commit.
  const posts = room.server.requests.filter(({ method, path }) => method === 'POST' && path.startsWith('/repo.git'));
  t.true(posts.length > 0);
});

test('a checkout is of root, with the modes of git, and times when it was made or of the commit', async (t) => {
  const room = await openRoom(t);
  writeFileSync(join(room.repository.path, 'run'), '#!/bin/sh', { mode: 0o700 });
  symlinkSync('/etc/passwd', join(room.repository.path, 'link'));
  await room.repository.commit({});
  const before = Date.now() - 2000;
  const tree = await room.fetch('#');
  const modes = ['a.txt', 'dir', 'run'].map((name) => (statSync(join(tree.path, name)).mode & 0o7777).toString(8));
  t.deepEqual(modes, ['644', '755', '755']);
  t.true(statSync(join(tree.path, 'a.txt')).mtimeMs > before);
  const dated = await room.fetch('?mtime=commit');
  t.not(dated.digest, tree.digest);
  for (const name of ['a.txt', 'dir', 'dir/b.txt', '.'])
    t.is(statSync(join(dated.path, name)).mtimeMs, Date.UTC(2020, 1, 2, 2, 2, 2), name);
});

test('a directory of the repository, which no symlink can lead out of', async (t) => {
  const room = await openRoom(t);
  symlinkSync('/etc', join(room.repository.path, 'out'));
  symlinkSync('dir', join(room.repository.path, 'in'));
  await room.repository.commit({ 'dir/sub/c': 'c' });
  t.deepEqual(readdirSync((await room.fetch('#:dir')).path).sort(), ['b.txt', 'sub']);
  t.deepEqual(readdirSync((await room.fetch('?subdir=/dir/./sub/')).path), ['c']);
  t.deepEqual(readdirSync((await room.fetch('#main:../../dir/sub')).path), ['c'], 'the root is the top');
  for (const path of ['out', 'in', 'none', 'a.txt', 'out/ssl'])
    await t.throwsAsync(room.fetch(`#:${path}`), { code: 'GIT_SUBDIR_INVALID' }, path);
});

test('a checksum holds a moving ref to a commit', async (t) => {
  const room = await openRoom(t);
  await room.repository.git('tag', '-a', 'v1', '-m', 'v1');
  const tag = await room.repository.git('rev-parse', 'v1');
  await room.repository.commit({ 'a.txt': 'two' });
  t.is(read(await room.fetch(`?tag=v1&checksum=${room.first.slice(0, 7)}`), 'a.txt'), 'one');
  t.is(read(await room.fetch(`?tag=v1&checksum=${tag}`), 'a.txt'), 'one');
  t.is(read(await room.fetch(`?branch=main&checksum=${room.first}&fetch-by-commit`), 'a.txt'), 'one');
  const error = await t.throwsAsync(room.fetch(`?branch=main&checksum=${room.first}`), {
    code: 'GIT_CHECKSUM_MISMATCH',
  });
  t.regex(error?.message ?? '', /refs\/heads\/main is [0-9a-f]{40}, expected [0-9a-f]{40}/);
});

test('--keep-git-dir leaves a repository that knows nothing of this machine', async (t) => {
  const room = await openRoom(t);
  await room.repository.git('tag', '-a', 'v1', '-m', 'v1');
  const tree = await room.fetch(`${room.server.url.replace('//', '//user:secret@')}/repo.git?tag=v1&keep-git-dir`);
  const git = async (...args: string[]) =>
    (
      await exec('git', ['-c', 'safe.directory=*', '-C', tree.path, ...args], {
        env: { GIT_CONFIG_GLOBAL: '/dev/null' },
      })
    ).stdout.trim();
  t.is(await git('status', '--porcelain'), '');
  t.is(await git('rev-parse', 'HEAD'), room.first);
  t.is(await git('tag'), 'v1');
  t.is(await git('remote', 'get-url', 'origin'), `${room.server.url}/repo.git`);
  const { stdout } = await exec('grep', ['-rlE', `secret|${room.root}`, tree.path]).catch(() => ({ stdout: '' }));
  t.is(stdout, '');
  t.not(tree.digest, (await room.fetch('?tag=v1')).digest);
});

test('submodules come along, those that lie beside the repository too, and can be left out', async (t) => {
  const room = await openRoom(t);
  const inner = await makeRepository(join(room.repositories, 'inner.git'));
  await inner.commit({ deep: 'deep' });
  const outer = await makeRepository(join(room.repositories, 'outer.git'));
  const allow = ['-c', 'protocol.file.allow=always'];
  await outer.commit({ mid: 'mid' });
  await outer.git(...allow, 'submodule', 'add', '-q', '../inner.git', 'inner');
  await outer.commit({});
  await room.repository.git(...allow, 'submodule', 'add', '-q', '../outer.git', 'mods/outer');
  await room.repository.commit({});
  const tree = await room.fetch('#');
  t.is(read(tree, 'mods/outer/mid'), 'mid');
  t.is(read(tree, 'mods/outer/inner/deep'), 'deep');
  t.false(existsSync(join(tree.path, 'mods/outer/.git')));
  t.deepEqual(readdirSync(join((await room.fetch('?submodules=false')).path, 'mods/outer')), []);
  // An earlier commit knows nothing of them, whatever was checked out before.
  t.deepEqual(readdirSync((await room.fetch(`#${room.first}`)).path).sort(), ['a.txt', 'dir']);
});

test('a hostile repository neither reads files of the machine nor starts programs', async (t) => {
  const room = await openRoom(t);
  const victim = await makeRepository(join(room.root, 'victim'));
  await victim.commit({ secret: 'secret' });
  const { repository } = room;
  const mark = join(room.root, 'mark');
  for (const [branch, url] of [
    ['file', `file://${victim.path}`],
    ['path', victim.path],
    ['ext', `ext::touch ${mark}`],
    ['option', `--upload-pack=touch ${mark}`],
  ] as const) {
    await repository.git('checkout', '-q', '-b', branch, room.first);
    writeFileSync(join(repository.path, '.gitmodules'), `[submodule "m"]\n\tpath = m\n\turl = ${url}\n`);
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${room.first},m`);
    await repository.git('add', '.gitmodules');
    await repository.git('commit', '-q', '-m', branch);
    await t.throwsAsync<TsbuildError>(room.fetch(`#${branch}`), { message: /^cannot fetch the submodules of/ }, branch);
    await repository.git('reset', '-q', '--hard');
  }
  t.false(existsSync(mark));
  await t.throwsAsync(async () => room.fetch('#--upload-pack=x'), { code: 'GIT_URL_INVALID' });
});

test('hooks, filters and settings of the machine are not used', async (t) => {
  const home = makeTempDir('home');
  t.teardown(() => removeTree(home));
  const mark = join(home, 'mark');
  mkdirSync(join(home, 'hooks'), { recursive: true });
  writeFileSync(join(home, 'hooks/post-checkout'), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  writeFileSync(
    join(home, '.gitconfig'),
    `[core]\n\thooksPath = ${home}/hooks\n[filter "evil"]\n\tsmudge = touch ${mark}; cat\n[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n`,
  );
  const room = await openRoom(t, {
    env: { ...process.env, HOME: home, GIT_DIR: home, GIT_SSH_COMMAND: `touch ${mark}` },
  });
  await room.repository.commit({ '.gitattributes': '* filter=evil\n' });
  t.is(read(await room.fetch('?keep-git-dir'), 'a.txt'), 'one');
  t.false(existsSync(mark));
});

test('secrets open a private repository, by the names of BuildKit, and stand in no command line', async (t) => {
  const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const good = new Set([basic('x-access-token', 'tok'), 'Bearer whole', basic('user', 'p@ss')]);
  const lines: string[] = [];
  const allows = (authorization: string | undefined): boolean => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(room.store.paths.root);
        if (isOurs) lines.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      } catch {
        // It has ended.
      }
    }
    return good.has(authorization ?? '');
  };
  const room = await openRoom(t, { allows });
  const host = room.server.url.slice('http://'.length);
  const refused = await t.throwsAsync<TsbuildError>(room.fetch('#'), { code: 'GIT_UNAUTHORIZED' });
  t.true(refused?.hint?.includes(`GIT_AUTH_TOKEN.${host}`));
  room.secrets.set('GIT_AUTH_TOKEN', 'tok\n');
  t.is(read(await room.fetch('#'), 'a.txt'), 'one');
  room.secrets.set(`GIT_AUTH_TOKEN.${host}`, 'wrong');
  await t.throwsAsync(room.fetch('#main'), { code: 'GIT_UNAUTHORIZED' });
  // What waits at another port is another server.
  room.secrets.set(`GIT_AUTH_HEADER.127.0.0.1`, 'Bearer whole');
  await t.throwsAsync(room.fetch('#main'), { code: 'GIT_UNAUTHORIZED' });
  room.secrets.set(`GIT_AUTH_HEADER.${host}`, 'Bearer whole');
  await room.fetch('#main');
  room.secrets.clear();
  await room.fetch(`http://user:p%40ss@${host}/repo.git#main:dir`);
  t.true(lines.some((line) => line.includes('git')));
  t.deepEqual(
    lines.filter((line) => /p@ss|p%40ss|tok\b|dXNlcjpw|whole/.test(line)),
    [],
  );
  const found = await exec('grep', ['-rlE', 'p@ss|p%40ss|dXNlcjpw|eC1hY2Nlc3M', room.store.paths.root]).catch(
    () => undefined,
  );
  t.is(found, undefined);
});

test('what a server says back of credentials is masked', async (t) => {
  const room = await openRoom(t);
  const front = await startWebServer((request, response) => {
    const sent = request.headers.authorization ?? '';
    const decoded = Buffer.from(sent.split(' ')[1] ?? '', 'base64').toString();
    response.writeHead(403, { 'content-type': 'text/plain' }).end(`no: ${sent} is ${decoded}\n`);
  });
  t.teardown(() => front.stop());
  room.secrets.set('GIT_AUTH_TOKEN', 'tok-of-this-test');
  const said: Buffer[] = [];
  const signal = new AbortController().signal;
  const error = await t.throwsAsync<TsbuildError>(
    (async () => {
      const op = parseGitUrl(`${front.url}/repo.git`);
      if (op === undefined) throw new Error('no git URL');
      const resolved = await room.source.resolve(sourceOp(gitSourceOp(op)), {
        signal,
        onLog: (data) => said.push(Buffer.from(data)),
      });
      await resolved.fetch({ signal });
    })(),
  );
  const all = `${Buffer.concat(said).toString()} ${error?.message} ${JSON.stringify(error)}`;
  t.regex(all, /no: Basic \*\*\* is x-access-token:\*\*\*/);
  t.notRegex(all, /tok-of|eC1hY2Nl/);
});

test('credentials do not follow a redirect', async (t) => {
  const room = await openRoom(t);
  const front = await startWebServer((request, response) => {
    response.writeHead(301, { location: `http://localhost:${room.server.port}${request.url ?? ''}` }).end();
  });
  t.teardown(() => front.stop());
  t.is(read(await room.fetch(`${front.url}/repo.git`), 'a.txt'), 'one');
  const before = room.server.requests.length;
  room.secrets.set('GIT_AUTH_TOKEN', 'tok');
  const error = await t.throwsAsync<TsbuildError>(room.fetch(`${front.url}/repo.git#main`), { code: 'GIT_FAILED' });
  t.regex(error?.hint ?? '', /the server redirects/);
  t.is(room.server.requests.length, before);
});

test('authorities that the user trusts are trusted', async (t) => {
  const folder = makeTempDir('tls');
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  ];
  await exec('openssl', [...request, '-days', '2', '-keyout', key, '-out', cert]);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    removeTree(folder);
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/repo.git`;
  const stranger = await openRoom(t);
  await t.throwsAsync(stranger.fetch(url), { code: 'GIT_TLS' });
  const trusting = await openRoom(t, { env: { ...process.env, NODE_EXTRA_CA_CERTS: cert } });
  await t.throwsAsync(trusting.fetch(url), { code: 'GIT_NOT_FOUND' });
});

test('git:// and ssh:// with an agent', async (t) => {
  const room = await openRoom(t);
  const daemon = await startGitDaemon(room.repositories);
  const sshd = await startSshd(join(room.root, 'ssh'));
  const socket = join(room.root, 'agent');
  const agent = spawnBound('ssh-agent', ['-D', '-a', socket]);
  t.teardown(async () => {
    agent.kill();
    await daemon.stop();
    await sshd.stop();
  });
  const plain = await room.fetch(`${daemon.url}/repo.git`);
  t.is(read(plain, 'a.txt'), 'one');
  await t.throwsAsync(room.fetch(`${daemon.url}/none.git`), { code: 'GIT_NOT_FOUND' });

  const url = `${sshd.url}${room.repository.path}`;
  room.agents.paths.set('default', socket);
  await t.throwsAsync(room.fetch(url), { code: 'GIT_UNAUTHORIZED' });
  await exec('ssh-add', ['-q', sshd.key], { env: { SSH_AUTH_SOCK: socket } });
  t.is((await room.fetch(url)).digest, plain.digest);

  // A host that the user knows by another key is not spoken to.
  const home = join(room.root, 'home');
  mkdirSync(join(home, '.ssh'), { recursive: true });
  const known = readFileSync(`${sshd.key}.pub`, 'utf8');
  writeFileSync(join(home, '.ssh/known_hosts'), `[127.0.0.1]:${sshd.port} ${known}`);
  const wary = await openRoom(t, { env: { ...process.env, HOME: home } });
  wary.agents.paths.set('default', socket);
  await t.throwsAsync(wary.fetch(url), { code: 'GIT_HOST_KEY' });
  writeFileSync(
    join(home, '.ssh/known_hosts'),
    `[127.0.0.1]:${sshd.port} ${readFileSync(`${sshd.hostKey}.pub`, 'utf8')}`,
  );
  t.is(read(await wary.fetch(url), 'a.txt'), 'one');
});

test('a commit that the server does not give out by its name is looked for on its branches', async (t) => {
  const room = await openRoom(t, { oldProtocol: true });
  const { repository, first } = room;
  const second = await repository.commit({ 'a.txt': 'two' });
  await repository.commit({ 'a.txt': 'three' });
  t.is(read(await room.fetch('#'), 'a.txt'), 'three');
  t.is(read(await room.fetch(`#${first}`), 'a.txt'), 'one');
  t.is(read(await room.fetch(`#${second}`), 'a.txt'), 'two');
  await t.throwsAsync(room.fetch(`#${'f'.repeat(40)}`), { code: 'GIT_REF_NOT_FOUND' });
});

test('what is missing is named', async (t) => {
  const room = await openRoom(t);
  await t.throwsAsync(room.fetch('#nope'), { code: 'GIT_REF_NOT_FOUND', message: /has no ref "nope"/ });
  await t.throwsAsync(room.fetch(`#${'f'.repeat(40)}`), { code: 'GIT_REF_NOT_FOUND' });
  await t.throwsAsync(room.fetch(`${room.server.url}/none.git`), { code: 'GIT_NOT_FOUND' });
  const refused = await t.throwsAsync<TsbuildError>(room.fetch('http://127.0.0.1:1/repo.git'), {
    code: 'GIT_UNREACHABLE',
  });
  t.regex(refused?.message ?? '', /^cannot read the refs of http:\/\/127\.0\.0\.1:1\/repo\.git: /);
  const bare = await openRoom(t, { env: { PATH: '/nonexistent' } });
  await t.throwsAsync(bare.fetch('#main'), { code: 'GIT_MISSING' });
});

test('a repository that a killed process left half done is made again', async (t) => {
  const room = await openRoom(t);
  await room.fetch('#');
  const [name = ''] = readdirSync(room.store.paths.git);
  writeFileSync(join(room.store.paths.git, name, 'shallow.lock'), '');
  const second = await room.repository.commit({ 'a.txt': 'two' });
  t.is(read(await room.fetch('#'), 'a.txt'), 'two');
  writeFileSync(join(room.store.paths.git, name, 'HEAD'), 'nonsense');
  await room.repository.commit({ 'a.txt': 'three' });
  t.is(read(await room.fetch('#'), 'a.txt'), 'three');
  t.is(read(await room.fetch(`#${second}`), 'a.txt'), 'two');
});

test('an abort ends git and all that it started', async (t) => {
  const room = await openRoom(t);
  const silent = await startWebServer(() => {});
  t.teardown(() => silent.stop());
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 500);
  const url = parseGitUrl(`${silent.url}/repo.git`);
  if (url === undefined) return t.fail();
  await t.throwsAsync(fetchTree(room, room.source, gitSourceOp(url), controller.signal), { message: 'enough' });
  const findGit = async () => (await tryExec('pgrep', ['-f', `${silent.url}/repo`])).stdout;
  for (let tries = 0; tries < 100 && (await findGit()) !== ''; tries++) await sleep(50);
  t.is(await findGit(), '');
});

test('without a network a ref is what it was last, and a pin is what it says', async (t) => {
  const room = await openRoom(t);
  const { repository, server, first, settings } = room;
  await repository.git('tag', '-a', 'v1', '-m', 'v1');
  const op = (url: string) => {
    const parsed = parseGitUrl(`${server.url}/repo.git${url}`);
    return sourceOp(gitSourceOp(parsed as NonNullable<typeof parsed>));
  };
  const seen = await room.fetch('#main');
  await repository.commit({ 'a.txt': 'two' });
  const said: string[] = [];
  const options = {
    signal: new AbortController().signal,
    onLog: (data: Uint8Array): unknown => said.push(Buffer.from(data).toString()),
  };
  const asked = server.requests.length;
  const offline = createGitSource({ ...settings, network: OFFLINE });
  const found = await offline.resolve(op('#main'), options);
  t.is(seen.digest, found.digest);
  t.true(await found.isHere?.());
  t.deepEqual(said, [`offline: main is taken to be ${first}, as last seen\n`]);
  // Another directory of a commit that was fetched needs nobody.
  const part = await offline.resolve(op('#main:dir'), options);
  t.true(await part.isHere?.());
  t.is((await part.fetch(options)).kind, 'snapshot');
  // A whole commit as the checksum is enough, whatever the ref.
  t.is(seen.digest, (await offline.resolve(op(`?branch=never-seen&checksum=${first}`), options)).digest);
  for (const url of ['#v1', '#main-2', `?branch=main&checksum=abcd`])
    await t.throwsAsync(offline.resolve(op(url), options), { code: 'OFFLINE' }, url);
  const unknown = await offline.resolve(op(`#${'1'.repeat(40)}`), options);
  t.false(await unknown.isHere?.());
  await t.throwsAsync(unknown.fetch(options), { code: 'OFFLINE' });
  t.is(server.requests.length, asked);

  const pin = { commit: first, ref: 'refs/heads/main' };
  const pins = { image: () => undefined, url: () => undefined, git: () => pin };
  const locked = createGitSource({ ...settings, pins });
  t.is(seen.digest, (await locked.resolve(op('#main'), options)).digest);
  t.is(server.requests.length, asked);
  await t.throwsAsync(locked.resolve(op('?branch=main&checksum=abcd'), options), { code: 'GIT_CHECKSUM_MISMATCH' });
  const gone = createGitSource({ ...settings, pins: { ...pins, git: () => ({ commit: '1'.repeat(40) }) } });
  const lost = await gone.resolve(op('#main'), options);
  await t.throwsAsync(lost.fetch(options), {
    code: 'GIT_REF_NOT_FOUND',
    message: /is locked to 1{40}, which cannot be had/,
  });
});
