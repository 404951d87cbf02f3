import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSshAgents, type SshSocketOptions, sweepAgentSockets } from '../../src/secrets/index.ts';
import { openTestStore } from '../snapshot/test-store.ts';
import { exec, tryExec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { spawnBound } from '../support/spawn-bound.ts';

const KEY_TYPES = [
  ['ed25519'],
  ['rsa', '-b', '2048'],
  ['ecdsa', '-b', '256'],
  ['ecdsa', '-b', '384'],
  ['ecdsa', '-b', '521'],
];

interface Room {
  readonly folder: string;
  readonly store: Parameters<typeof createSshAgents>[1];
  open(paths: readonly string[], options?: SshSocketOptions): ReturnType<ReturnType<typeof createSshAgents>['open']>;
}

async function openRoom(t: ExecutionContext): Promise<Room> {
  const { store, root } = await openTestStore(t);
  return {
    folder: root,
    store,
    async open(paths, options) {
      const socket = await createSshAgents([{ id: 'default', paths }], store, {}).open('default', options);
      t.teardown(() => socket.close());
      return socket;
    },
  };
}

async function makeKey(folder: string, name: string, flags: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await exec('ssh-keygen', ['-q', '-N', '', '-C', `comment of ${name}`, '-f', path, '-t', ...flags]);
  return path;
}

/** A real agent with the key files in it. */
async function startAgent(t: ExecutionContext, folder: string, keys: readonly string[]): Promise<string> {
  const path = join(folder, 'real.sock');
  const agent = spawnBound('ssh-agent', ['-D', '-a', path]);
  t.teardown(() => agent.kill());
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
  if (keys.length > 0) await exec('ssh-add', ['-q', ...keys], { env: { SSH_AUTH_SOCK: path } });
  return path;
}

/** Has the agent at `socket` sign, and ssh-keygen verify it. */
async function proveSigns(folder: string, socket: string, key: string, flags: readonly string[] = []): Promise<void> {
  const [data, signers] = [join(folder, 'data'), join(folder, 'signers')];
  writeFileSync(data, 'what is signed');
  const publicKey = readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(signers, `me ${publicKey}\n`);
  const sign = ['-Y', 'sign', '-U', '-q', '-f', `${key}.pub`, '-n', 'test', ...flags];
  const { stdout } = await exec('ssh-keygen', sign, { env: { SSH_AUTH_SOCK: socket }, input: 'what is signed' });
  const signature = join(folder, 'signature');
  writeFileSync(signature, stdout);
  await exec('ssh-keygen', ['-Y', 'verify', '-f', signers, '-I', 'me', '-n', 'test', '-s', signature], {
    input: 'what is signed',
  });
}

testNeeding(['ssh-keygen'], 'key files of every type are listed, and sign what ssh verifies', async (t) => {
  const room = await openRoom(t);
  const keys = await Promise.all(KEY_TYPES.map((flags, i) => makeKey(room.folder, `key${i}`, flags)));
  const { path } = await room.open(keys);
  const { stdout } = await exec('ssh-add', ['-L'], { env: { SSH_AUTH_SOCK: path } });
  t.is(stdout, keys.map((key) => readFileSync(`${key}.pub`, 'utf8')).join(''));
  for (const key of keys) await t.notThrowsAsync(proveSigns(room.folder, path, key));
  await t.notThrowsAsync(proveSigns(room.folder, path, keys[1] ?? '', ['-O', 'hashalg=sha256']));
});

testNeeding(['ssh-keygen'], 'keys in PEM work as those in the format of OpenSSH', async (t) => {
  const room = await openRoom(t);
  const keys = await Promise.all(
    KEY_TYPES.slice(1).flatMap((flags, i) =>
      ['PEM', 'PKCS8'].map((format) => makeKey(room.folder, `${format}${i}`, [...flags, '-m', format])),
    ),
  );
  const { path } = await room.open(keys);
  for (const key of keys) await t.notThrowsAsync(proveSigns(room.folder, path, key));
});

testNeeding(['ssh-agent', 'ssh-keygen'], 'an agent is passed on: it lists and signs', async (t) => {
  const room = await openRoom(t);
  const key = await makeKey(room.folder, 'key', ['ed25519']);
  const { path } = await room.open([await startAgent(t, room.folder, [key])]);
  const { stdout } = await exec('ssh-add', ['-L'], { env: { SSH_AUTH_SOCK: path } });
  t.is(stdout, readFileSync(`${key}.pub`, 'utf8'));
  await t.notThrowsAsync(proveSigns(room.folder, path, key));
});

testNeeding(['ssh-agent', 'ssh-keygen'], 'nothing that changes an agent passes', async (t) => {
  const room = await openRoom(t);
  const [key, other] = [await makeKey(room.folder, 'key', ['ed25519']), await makeKey(room.folder, 'x', ['ed25519'])];
  const real = await startAgent(t, room.folder, [key]);
  const before = (await exec('ssh-add', ['-L'], { env: { SSH_AUTH_SOCK: real } })).stdout;
  for (const paths of [[real], [key]]) {
    const { path } = await room.open(paths);
    for (const args of [[other], ['-D'], ['-d', key], ['-x'], ['-s', '/usr/lib/nothing.so']]) {
      const input = 'secret\nsecret\n';
      const ran = await tryExec('setsid', ['ssh-add', ...args], { env: { SSH_AUTH_SOCK: path }, input });
      t.not(ran.code, 0, args.join(' '));
    }
    t.is((await exec('ssh-add', ['-L'], { env: { SSH_AUTH_SOCK: path } })).stdout, before);
  }
  t.is((await exec('ssh-add', ['-L'], { env: { SSH_AUTH_SOCK: real } })).stdout, before);
});

testNeeding(['ssh-keygen'], 'a hostile client is hung up on, and others are served on', async (t) => {
  const room = await openRoom(t);
  const key = await makeKey(room.folder, 'key', ['ed25519']);
  const { path } = await room.open([key]);
  const say = async (bytes: Buffer): Promise<Buffer> => {
    const client = createConnection(path);
    const answers: Buffer[] = [];
    client.on('data', (chunk) => answers.push(chunk));
    client.on('error', () => {});
    client.write(bytes);
    await once(client, 'close');
    return Buffer.concat(answers);
  };
  t.is((await say(Buffer.from('ffffffff0b', 'hex'))).length, 0, 'four gigabytes');
  t.is((await say(Buffer.from('00000000', 'hex'))).length, 0, 'an empty message');
  t.is((await say(Buffer.from('000000050dffffffff', 'hex'))).length, 0, 'a string that ends behind its message');
  const unknown = Buffer.from('0000000163', 'hex');
  const listed = say(Buffer.concat([unknown, unknown, Buffer.from('00000000', 'hex')]));
  t.is((await listed).toString('hex'), '00000001050000000105', 'failure, twice');
  t.is((await exec('ssh-add', ['-l'], { env: { SSH_AUTH_SOCK: path } })).code, 0);
});

testNeeding(['ssh-keygen'], 'a socket is its user’s alone unless it is given away, and goes when closed', async (t) => {
  const room = await openRoom(t);
  const key = await makeKey(room.folder, 'key', ['ed25519']);
  const own = await room.open([key]);
  t.is(statSync(own.path).mode & 0o7777, 0o600);
  t.is(statSync(join(own.path, '..')).mode & 0o7777, 0o700);
  const given = await room.open([key], { mode: 0o660, uid: 1000, gid: 1001 });
  const { mode, uid, gid } = statSync(given.path);
  t.deepEqual([mode & 0o7777, uid, gid], [0o660, 1000, 1001]);
  await own.close();
  await given.close();
  t.deepEqual(readdirSync(room.store.paths.agents), []);
});

testNeeding(['ssh-keygen'], 'a store whose path is longer than a socket’s has agents too', async (t) => {
  const room = await openRoom(t);
  const key = await makeKey(room.folder, 'key', ['ed25519']);
  const agents = join(room.folder, 'x'.repeat(100), 'agents');
  mkdirSync(agents, { recursive: true });
  const store = { ...room.store, paths: { ...room.store.paths, agents }, owner: () => room.store.owner() };
  const socket = await createSshAgents([{ id: 'default', paths: [key] }], store, {}).open('default');
  t.true(socket.path.length < 108);
  t.is((await exec('ssh-add', ['-l'], { env: { SSH_AUTH_SOCK: socket.path } })).code, 0);
  await socket.close();
  t.deepEqual(readdirSync(agents), []);
});

testNeeding(['ssh-keygen'], 'what --ssh names is looked at before anything runs', async (t) => {
  const room = await openRoom(t);
  const locked = join(room.folder, 'locked');
  await exec('ssh-keygen', ['-q', '-N', 'passphrase', '-f', locked, '-t', 'ed25519']);
  const lockedPem = join(room.folder, 'locked-pem');
  await exec('ssh-keygen', ['-q', '-N', 'passphrase', '-f', lockedPem, '-t', 'rsa', '-m', 'PEM']);
  const plain = join(room.folder, 'plain');
  writeFileSync(plain, 'no key\n');
  const damaged = join(room.folder, 'damaged');
  writeFileSync(damaged, '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n');
  const create = (paths: readonly string[]) => () => createSshAgents([{ id: 'x', paths }], room.store, {});
  for (const path of [locked, lockedPem])
    t.like(t.throws(create([path])), {
      code: 'SSH_AGENT_INVALID',
      message: `--ssh x: ${path}: the private key is protected by a passphrase`,
      hint: `add it to an agent (ssh-add ${path}), and give that: --ssh x`,
    });
  t.throws(create([plain]), { message: /plain: it is not a private key/ });
  t.throws(create([damaged]), { message: /damaged: the private key is damaged/ });
  t.throws(create([join(room.folder, 'nothing')]), { message: /nothing does not exist$/ });
  t.throws(create([room.folder]), { message: /neither a socket nor a key file/ });
  t.throws(create([]), { message: /SSH_AUTH_SOCK is not set/ });
  t.throws(() =>
    createSshAgents(
      [...Array(2)].map(() => ({ id: '', paths: [plain] })),
      room.store,
      {},
    ),
  );
  const agents = createSshAgents([], room.store, {});
  t.false(agents.has('default'));
  t.like(await t.throwsAsync(agents.open('default')), { code: 'SSH_AGENT_MISSING' });
});

testNeeding(['ssh-agent'], 'an agent that went away is an error that says so', async (t) => {
  const room = await openRoom(t);
  const path = join(room.folder, 'gone.sock');
  const agent = spawnBound('ssh-agent', ['-D', '-a', path]);
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
  const agents = createSshAgents([{ id: 'default', paths: [path] }], room.store, {});
  agent.kill('SIGKILL');
  await once(agent, 'exit');
  t.like(await t.throwsAsync(agents.open('default')), { code: 'SSH_AGENT_FAILED' });
});

test('sockets of processes that are gone are swept', async (t) => {
  const room = await openRoom(t);
  const { agents } = room.store.paths;
  await sweepAgentSockets(room.store);
  const { id } = await room.store.owner();
  const [gone, own, foreign] = ['999999999-0123456789ab-01234567', `${id}-01234567`, 'other'];
  for (const name of [gone, own, foreign]) mkdirSync(join(agents, name), { recursive: true });
  await sweepAgentSockets(room.store);
  t.deepEqual(readdirSync(agents).sort(), [own, foreign].sort());
});
