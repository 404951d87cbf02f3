import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { authKey } from '../../src/registry/auth-file.ts';
import { createCredentialProvider } from '../../src/registry/credentials.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

/** A home with docker's config.json, podman's auth.json and credential helpers. */
function makeHome(
  t: ExecutionContext,
  files: { docker?: unknown; podman?: unknown; helpers?: Readonly<Record<string, string>> },
): NodeJS.ProcessEnv {
  const home = makeTempDir('home');
  t.teardown(() => removeTree(home));
  for (const folder of ['.docker', '.config/containers', 'bin']) mkdirSync(join(home, folder), { recursive: true });
  const write = (path: string, content: unknown): void =>
    writeFileSync(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
  if (files.docker !== undefined) write('.docker/config.json', files.docker);
  if (files.podman !== undefined) write('.config/containers/auth.json', files.podman);
  for (const [name, script] of Object.entries(files.helpers ?? {})) {
    write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
    chmodSync(join(home, `bin/docker-credential-${name}`), 0o755);
  }
  return { HOME: home, PATH: `${home}/bin:${process.env.PATH}` };
}

const password = (username: string, secret: string) => ({ kind: 'password' as const, username, password: secret });

test('auths of config.json, in all their forms', async (t) => {
  const env = makeHome(t, {
    docker: {
      auths: {
        'https://index.docker.io/v1/': { auth: encode('hub:p:w') },
        'ghcr.io': { username: 'me', password: 'secret' },
        'https://quay.io/v2/': { identitytoken: 'refresh', auth: encode('<token>:') },
        'r.example:5000': { registrytoken: 'bearer' },
        'empty.example': {},
        'broken.example': { auth: encode('nocolon') },
      },
    },
  });
  const { find } = createCredentialProvider(env);
  t.deepEqual(await find('docker.io', 'library/debian'), password('hub', 'p:w'));
  t.deepEqual(await find('ghcr.io', 'a/b'), password('me', 'secret'));
  t.deepEqual(await find('quay.io', 'a'), { kind: 'identity', token: 'refresh' });
  t.deepEqual(await find('r.example:5000', 'a'), { kind: 'bearer', token: 'bearer' });
  for (const domain of ['empty.example', 'broken.example', 'r.example', 'other.example'])
    t.is(await find(domain, 'a'), undefined);
});

test('an entry of a namespace comes before its host, and is not for its neighbours', async (t) => {
  const env = makeHome(t, {
    podman: {
      auths: {
        'quay.io': { auth: encode('all:1') },
        'quay.io/team': { auth: encode('team:2') },
        'quay.io/team/app': { auth: encode('app:3') },
      },
    },
  });
  const { find } = createCredentialProvider(env);
  t.deepEqual(await find('quay.io', 'team/app'), password('app', '3'));
  t.deepEqual(await find('quay.io', 'team/other'), password('team', '2'));
  t.deepEqual(await find('quay.io', 'teamwork/app'), password('all', '1'));
});

test("docker's file comes before podman's; REGISTRY_AUTH_FILE and DOCKER_CONFIG move them", async (t) => {
  const env = makeHome(t, {
    docker: { auths: { 'a.example': { auth: encode('docker:1') } } },
    podman: { auths: { 'a.example': { auth: encode('podman:1') }, 'b.example': { auth: encode('podman:2') } } },
  });
  const { find } = createCredentialProvider(env);
  t.deepEqual(await find('a.example', 'x'), password('docker', '1'));
  t.deepEqual(await find('b.example', 'x'), password('podman', '2'));
  const moved = createCredentialProvider({
    ...env,
    DOCKER_CONFIG: '/nonexistent',
    REGISTRY_AUTH_FILE: `${env.HOME}/.docker/config.json`,
  });
  t.deepEqual(await moved.find('a.example', 'x'), password('docker', '1'));
  t.is(await moved.find('b.example', 'x'), undefined);
  t.deepEqual(moved.places, ['/nonexistent/config.json (not there)', `${env.HOME}/.docker/config.json`]);
});

test('helpers are asked by the protocol, with the name that docker keeps', async (t) => {
  const env = makeHome(t, {
    docker: {
      credsStore: 'store',
      credHelpers: { 'ghcr.io': 'own' },
      auths: { 'quay.io': { auth: encode('file:1') } },
    },
    helpers: {
      own: '[ "$1" = get ] && [ "$(cat)" = ghcr.io ] && echo \'{"ServerURL":"ghcr.io","Username":"u","Secret":"s"}\'',
      store: `case "$(cat)" in
        https://index.docker.io/v1/) echo '{"Username":"<token>","Secret":"idtoken"}';;
        *) echo "credentials not found in native keychain"; exit 1;; esac`,
    },
  });
  const provider = createCredentialProvider(env);
  t.deepEqual(await provider.find('ghcr.io', 'a'), password('u', 's'));
  t.deepEqual(await provider.find('docker.io', 'library/a'), { kind: 'identity', token: 'idtoken' });
  t.deepEqual(await provider.find('quay.io', 'a'), password('file', '1'), 'what the helper lacks the file may have');
  t.is(await provider.find('none.example', 'a'), undefined);
  t.false(provider.places.some((place) => place.includes('docker-credential')));
});

test('a helper is asked once for a repository', async (t) => {
  const env = makeHome(t, {
    docker: { credsStore: 'count' },
    helpers: { count: 'cat >/dev/null; echo x >> "$HOME/asked"; echo \'{"Username":"u","Secret":"s"}\'' },
  });
  const { find } = createCredentialProvider(env);
  await Promise.all([find('a.example', 'x'), find('a.example', 'x'), find('a.example', 'x')]);
  const { readFileSync } = await import('node:fs');
  t.is(readFileSync(`${env.HOME}/asked`, 'utf8'), 'x\n');
});

test('what cannot be used is passed over, said, and never quoted', async (t) => {
  const secret = 'c3VwZXI6c2VjcmV0';
  const env = makeHome(t, {
    docker: `{"auths": {"a.example": {"auth": "${secret}"}`,
    podman: {
      credHelpers: { 'b.example': 'missing', 'c.example': '../../evil', 'd.example': 'broken', 'e.example': 'liar' },
    },
    helpers: { broken: 'cat >/dev/null; echo super-secret >&2; exit 3', liar: 'cat >/dev/null; echo super-secret' },
  });
  const provider = createCredentialProvider(env);
  for (const host of 'abcde') t.is(await provider.find(`${host}.example`, 'x'), undefined);
  const places = provider.places.join('\n');
  t.regex(places, /config\.json \(not JSON\)/);
  t.regex(places, /docker-credential-missing \(not installed\)/);
  t.regex(places, /docker-credential-\.\.\/\.\.\/evil.*not the name of a program/);
  t.regex(places, /docker-credential-broken \(exit code 3\)/);
  t.regex(places, /docker-credential-liar \(its answer/);
  t.notRegex(places, /super-secret/);
  t.false(places.includes(secret));
});

test('keys of auths are read as docker writes them', (t) => {
  const keys = {
    'https://index.docker.io/v1/': 'docker.io',
    'index.docker.io': 'docker.io',
    'registry-1.docker.io': 'docker.io',
    'https://ghcr.io': 'ghcr.io',
    'http://r.example:5000/v2/': 'r.example:5000',
    'quay.io/team': 'quay.io/team',
  };
  for (const [written, key] of Object.entries(keys)) t.is(authKey(written), key);
});
