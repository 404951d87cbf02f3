import test from 'ava';
import { startBaseRegistry } from './base-registry.ts';
import { BASE_NEEDS, busyboxBase } from './bases.ts';
import { exec, tryExec } from './exec.ts';
import { missingNeeds } from './machine.ts';
import { testNeeding } from './needs.ts';
import { CREDENTIALS, startRegistry } from './registry.ts';

const NEEDS = ['docker-registry', 'skopeo', ...BASE_NEEDS.busybox];
const copyBusyboxTo = async (host: string, ...options: string[]) =>
  tryExec('skopeo', [
    'copy',
    '--insecure-policy',
    '--dest-tls-verify=false',
    ...options,
    `oci:${await busyboxBase()}:1`,
    `docker://${host}/some/busybox:1`,
  ]);

testNeeding(NEEDS, 'a registry of bases serves them and may be pushed to', async (t) => {
  const registry = await startBaseRegistry(['busybox']);
  t.teardown(() => registry.stop());
  const { stdout } = await exec('skopeo', [
    'inspect',
    '--tls-verify=false',
    '--config',
    `docker://${registry.host}/busybox:1`,
  ]);
  t.deepEqual(JSON.parse(stdout).config.Cmd, ['sh']);
  t.is((await copyBusyboxTo(registry.host)).code, 0);
});

testNeeding(NEEDS, 'a registry with basic auth refuses strangers', async (t) => {
  const registry = await startRegistry({ auth: 'basic' });
  t.teardown(() => registry.stop());
  t.not((await copyBusyboxTo(registry.host)).code, 0);
  t.is((await copyBusyboxTo(registry.host, `--dest-creds=${CREDENTIALS.username}:${CREDENTIALS.password}`)).code, 0);
});

testNeeding([...NEEDS, 'openssl'], 'a registry with token auth lets strangers only read', async (t) => {
  const registry = await startRegistry({ auth: 'token' });
  t.teardown(() => registry.stop());
  t.not((await copyBusyboxTo(registry.host)).code, 0);
  const login = `--dest-creds=${CREDENTIALS.username}:${CREDENTIALS.password}`;
  const pushed = await copyBusyboxTo(registry.host, login);
  t.is(pushed.code, 0, pushed.stderr);
  const read = await tryExec('skopeo', ['inspect', '--tls-verify=false', `docker://${registry.host}/some/busybox:1`]);
  t.is(read.code, 0, read.stderr);
  t.true(registry.tokens?.requests.some((request) => request.account === CREDENTIALS.username));
});

test('a program that is not there is a missing need', (t) => {
  t.deepEqual(missingNeeds(['sh', 'no-such-program']), ['no-such-program']);
});
