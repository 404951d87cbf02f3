import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { findEndpoint, isLoopback } from '../../src/registry/hosts.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { describeBlob, listen, repositoryAt, serve } from './servers.ts';

const BYTES = randomBytes(10_000);
const BLOB = describeBlob(BYTES);
const HOST = 'registry.test';

/** A server of HTTPS on loopback, with a certificate for `registry.test` that only its own file vouches for. */
async function serveTls(t: ExecutionContext, answer: RequestListener) {
  const dir = makeTempDir('tls');
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await exec('openssl', ['req', '-x509', ...curve, '-days', '2', ...subject, '-keyout', key, '-out', certificate]);
  const server = createHttpsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer);
  const host = await listen(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    removeTree(dir);
  });
  return { host, certificate };
}

/** A proxy that takes every CONNECT to `target`, whatever host is asked for. */
async function serveProxy(t: ExecutionContext, target: string) {
  const asked: { host: string; authorization: string | undefined }[] = [];
  const server = createHttpServer();
  server.on('connect', (request, client) => {
    asked.push({ host: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    const upstream = connect(Number(target.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) socket.on('error', () => {});
    t.teardown(() => {
      client.destroy();
      upstream.destroy();
    });
  });
  const host = await listen(server);
  t.teardown(() => {
    server.close();
  });
  return { host, asked };
}

const sendBlob: RequestListener = (_, response) => {
  response.end(BYTES);
};

async function pull(t: ExecutionContext, host: string, env: NodeJS.ProcessEnv = {}, options = {}): Promise<void> {
  const repository = repositoryAt(t, host, 'app', {
    env: { HOME: '/nonexistent', ...env },
    maxAttempts: 1,
    ...options,
  });
  const stream = await repository.fetch(BLOB);
  t.true(Buffer.concat(await stream.toArray()).equals(BYTES));
}

test('which hosts are loopback', (t) => {
  for (const host of [
    'localhost',
    'localhost:5000',
    'a.localhost',
    '127.0.0.1',
    '127.255.3.4:80',
    '[::1]',
    '[::1]:5000',
  ])
    t.true(isLoopback(host), host);
  for (const host of [
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    '127.0.0.256',
    '128.0.0.1',
    '[::2]:1',
    'notlocalhost',
    '127.0.0',
  ])
    t.false(isLoopback(host), host);
});

test("endpoints: Docker Hub's own, HTTPS for everybody, what answers for loopback", async (t) => {
  const hub = { origin: 'https://registry-1.docker.io', verifyTls: true };
  t.like(await findEndpoint('docker.io', []), hub);
  t.like(await findEndpoint('index.docker.io', []), hub);
  t.like(await findEndpoint('ghcr.io', []), { origin: 'https://ghcr.io', verifyTls: true });
  const server = await serve(t, () => {});
  t.like(await findEndpoint(server.host, []), { origin: `http://${server.host}`, verifyTls: false });
  t.deepEqual(server.requests, [], 'the probe is no request');
  t.like(await findEndpoint(server.host.replace('127.0.0.1', 'localhost'), []), { verifyTls: false });
});

testNeeding(['openssl'], 'loopback is spoken to in HTTPS with any certificate', async (t) => {
  const { host } = await serveTls(t, sendBlob);
  t.like(await findEndpoint(host, []), { origin: `https://${host}`, verifyTls: false });
  await pull(t, host);
});

testNeeding(['openssl'], 'elsewhere a certificate must be vouched for; a file of authorities does it', async (t) => {
  const { host, certificate } = await serveTls(t, sendBlob);
  const proxy = await serveProxy(t, host);
  const env = { HTTPS_PROXY: `http://${proxy.host}` };
  const error = await t.throwsAsync(pull(t, HOST, env), { code: 'REGISTRY_TLS' });
  t.regex(error?.message ?? '', /unknown authority/);
  t.like(error, { details: { cause: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  await pull(t, HOST, { ...env, TSBUILD_EXTRA_CA_CERTS: certificate });
  t.deepEqual(proxy.asked[0], { host: `${HOST}:443`, authorization: undefined });
  const other = await t.throwsAsync(pull(t, 'other.test', { ...env, TSBUILD_EXTRA_CA_CERTS: certificate }), {
    code: 'REGISTRY_TLS',
  });
  t.regex(other?.message ?? '', /another host/);
  const missing = await t.throwsAsync(pull(t, HOST, { ...env, TSBUILD_EXTRA_CA_CERTS: '/nonexistent.pem' }), {
    code: 'REGISTRY_TLS',
  });
  t.regex(missing?.message ?? '', /nonexistent\.pem/);
});

testNeeding(['openssl'], "a proxy gets its own credentials and not the registry's", async (t) => {
  const seen: (string | undefined)[] = [];
  const { host, certificate } = await serveTls(t, (request, response) => {
    seen.push(request.headers['proxy-authorization']);
    sendBlob(request, response);
  });
  const proxy = await serveProxy(t, host);
  await pull(t, HOST, { HTTPS_PROXY: `http://joe:pa%20ss@${proxy.host}`, TSBUILD_EXTRA_CA_CERTS: certificate });
  t.is(proxy.asked[0]?.authorization, `Basic ${Buffer.from('joe:pa ss').toString('base64')}`);
  t.deepEqual(seen, [undefined]);
});

test('plain HTTP where HTTPS was expected is said so', async (t) => {
  const server = await serve(t, sendBlob);
  const proxy = await serveProxy(t, server.host);
  const error = await t.throwsAsync(pull(t, HOST, { HTTPS_PROXY: `http://${proxy.host}` }), { code: 'REGISTRY_TLS' });
  t.regex(error?.message ?? '', /HTTP response to an HTTPS client/);
  t.regex((error as { hint?: string }).hint ?? '', /TSBUILD_INSECURE_REGISTRIES/);
});

test('a host that was named insecure may speak plain HTTP', async (t) => {
  const server = await serve(t, sendBlob);
  // Not a loopback address, and yet this machine.
  const host = server.host.replace('127.0.0.1', '0.0.0.0');
  await t.throwsAsync(pull(t, host), { code: 'REGISTRY_TLS' });
  await pull(t, host, {}, { insecureHosts: [host] });
  await pull(t, host, { TSBUILD_INSECURE_REGISTRIES: `other.example, ${host}` });
});

testNeeding(['openssl'], 'the password goes to no realm in plain HTTP when the registry speaks HTTPS', async (t) => {
  const thief = await serve(t, (_, response) => {
    response.end('{"token":"x"}');
  });
  const { host } = await serveTls(t, (_, response) => {
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${thief.host}/token"` }).end();
  });
  const credentials = { find: async () => ({ kind: 'password' as const, username: 'u', password: 'p' }), places: [] };
  await t.throwsAsync(pull(t, host, {}, { credentials }), { code: 'REGISTRY_FAILED', message: /not HTTPS/ });
  t.deepEqual(thief.requests, []);
});

testNeeding(['openssl'], 'a redirect from HTTPS to plain HTTP is not followed', async (t) => {
  const plain = await serve(t, sendBlob);
  const { host } = await serveTls(t, (_, response) => {
    response.writeHead(307, { location: `http://${plain.host}/data` }).end();
  });
  await t.throwsAsync(pull(t, host), { code: 'REGISTRY_FAILED', message: /from HTTPS to plain HTTP/ });
  t.deepEqual(plain.requests, []);
});
