import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { TsbuildError } from '../../src/errors.ts';
import { ONLINE } from '../../src/network.ts';
import { digestOf } from '../../src/oci/index.ts';
import { httpSourceOp } from '../../src/remote-url/index.ts';
import { createHttpSource } from '../../src/source/http/source.ts';
import { createHttpClient } from '../../src/source/index.ts';
import { startWebServer } from '../support/web-server.ts';
import { fetchTree, openSourceRoom, sourceOp } from './room.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function openRoom(t: ExecutionContext, answer: Answer) {
  const room = await openSourceRoom(t);
  const server = await startWebServer(answer);
  const client = createHttpClient();
  t.teardown(async () => {
    await client.close();
    await server.stop();
  });
  const { store, snapshotter, readSecrets } = room;
  const source = createHttpSource({ client, store, snapshotter, network: ONLINE, secrets: readSecrets });
  return {
    ...room,
    server,
    source,
    fetch: (path: string, options = {}) => fetchTree(room, source, httpSourceOp(server.url + path, options)),
  };
}

test('a download is one file of root, readable by it alone, with the time that the server says', async (t) => {
  const room = await openRoom(t, (request, response) => {
    if (request.url?.startsWith('/dated')) response.setHeader('last-modified', 'Mon, 03 Feb 2020 10:00:00 GMT');
    response.end('content\n');
  });
  const dated = await room.fetch('/dated/file.txt?v=1');
  t.deepEqual(readdirSync(dated.path), ['file.txt']);
  const stat = statSync(join(dated.path, 'file.txt'));
  t.is(stat.mode & 0o7777, 0o600);
  t.deepEqual([stat.uid, stat.gid, stat.mtimeMs], [0, 0, Date.UTC(2020, 1, 3, 10)]);
  const plain = await room.fetch('/plain/file.txt');
  t.is(statSync(join(plain.path, 'file.txt')).mtimeMs, 0);
  t.not(plain.digest, dated.digest);
  t.is((await room.fetch('/other/file.txt')).digest, plain.digest, 'the URL is no part of what it is');
});

test('a file is called as the op says, else as the server says, else as the URL ends', async (t) => {
  const room = await openRoom(t, (request, response) => {
    const said: Readonly<Record<string, string>> = {
      '/plain/': 'attachment; filename=plain.txt',
      '/quoted': 'attachment; filename="a b.txt"',
      '/path': 'attachment; filename="../../etc/passwd"',
      '/extended': `attachment; filename="x"; filename*=UTF-8''%e2%82%ac.txt`,
      '/directory': 'attachment; filename="x/"',
      '/dots': 'attachment; filename=".."',
    };
    const disposition = said[request.url ?? ''];
    if (disposition !== undefined) response.setHeader('content-disposition', disposition);
    response.end('x');
  });
  const nameOf = async (path: string, options = {}) => readdirSync((await room.fetch(path, options)).path).join();
  t.is(await nameOf('/plain/'), 'plain.txt');
  t.is(await nameOf('/quoted'), 'a b.txt');
  t.is(await nameOf('/path'), 'passwd');
  t.is(await nameOf('/extended'), '€.txt');
  t.is(await nameOf('/directory'), 'directory');
  t.is(await nameOf('/dots'), 'dots');
  t.is(await nameOf('/a%20b/'), 'a b');
  t.is(await nameOf('/'), 'download');
  t.is(await nameOf('/quoted', { filename: 'mine' }), 'mine');
});

test('a copy is good for as long as the server says so', async (t) => {
  let [content, etag] = ['one', '"1"'];
  const room = await openRoom(t, (request, response) => {
    if (request.url === '/etag') {
      response.setHeader('etag', etag);
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    }
    // Says what it has, and does not look at what it is asked.
    if (request.url === '/deaf') response.setHeader('etag', `W/${etag}`);
    if (request.url === '/date') {
      response.setHeader('last-modified', 'Mon, 03 Feb 2020 10:00:00 GMT');
      if (request.headers['if-modified-since'] === 'Mon, 03 Feb 2020 10:00:00 GMT')
        return void response.writeHead(304).end();
    }
    response.end(content);
  });
  for (const path of ['/etag', '/deaf', '/date', '/nothing']) {
    const first = await room.fetch(path);
    t.is((await room.fetch(path)).path, first.path, path);
  }
  [content, etag] = ['two', '"2"'];
  const read = async (path: string) => readFileSync(join((await room.fetch(path)).path, path.slice(1)), 'utf8');
  t.is(await read('/etag'), 'two');
  t.is(await read('/deaf'), 'two');
  t.is(await read('/nothing'), 'two');
  t.is(await read('/date'), 'one', 'the server says that nothing changed');
});

test('a date is no validator for a file of this very second', async (t) => {
  const room = await openRoom(t, (_, response) => {
    // One look at the clock: the server's own may show the next second.
    const now = new Date().toUTCString();
    response.setHeader('date', now);
    response.setHeader('last-modified', now);
    response.end('x');
  });
  await room.fetch('/now');
  await room.fetch('/now');
  t.deepEqual(
    room.server.requests.map(({ headers }) => headers['if-modified-since']),
    [undefined, undefined],
  );
});

test('with a checksum nothing is asked before the file is needed, and never again', async (t) => {
  const checksum = digestOf('content');
  const room = await openRoom(t, (_, response) => response.end('content'));
  const op = sourceOp(httpSourceOp(`${room.server.url}/file`, { checksum }));
  const { signal } = new AbortController();
  const resolved = await room.source.resolve(op, { signal });
  t.is(room.server.requests.length, 0);
  await resolved.fetch({ signal });
  await (await room.source.resolve(op, { signal })).fetch({ signal });
  t.is(room.server.requests.length, 1);
  const error = await t.throwsAsync(room.fetch('/file', { checksum: digestOf('other') }), { code: 'DIGEST_MISMATCH' });
  t.regex(error?.message ?? '', /file is sha256:[0-9a-f]+, expected sha256:/);
});

test('credentials go to the host that they are for, and nowhere else', async (t) => {
  const other = await startWebServer((_, response) => response.end('other'));
  t.teardown(() => other.stop());
  const room = await openRoom(t, (request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: `http://localhost:${other.port}/file` }).end();
    else if (request.url === '/near') response.writeHead(307, { location: '/file' }).end();
    else response.end('x');
  });
  const sent = () => room.server.requests.at(-1)?.headers.authorization;
  await room.fetch('/none');
  t.is(sent(), undefined);
  room.secrets.set('HTTP_AUTH_HEADER_127.0.0.1', 'Custom me\n');
  await room.fetch('/near');
  t.is(sent(), 'Custom me');
  room.secrets.set('HTTP_AUTH_TOKEN_127.0.0.1', 'token\n');
  await room.fetch('/away');
  t.is(sent(), 'Bearer token');
  t.is(other.requests[0]?.headers.authorization, undefined);
  room.secrets.set('mine', 'Mine');
  await room.fetch('/file', { authHeaderSecret: 'mine' });
  t.is(sent(), 'Mine');
  await t.throwsAsync(room.fetch('/file', { authHeaderSecret: 'none' }), { code: 'SECRET_MISSING' });
  room.secrets.clear();
  await fetchTree(room, room.source, httpSourceOp(`http://u%40:p@127.0.0.1:${room.server.port}/near`));
  t.is(sent(), `Basic ${Buffer.from('u@:p').toString('base64')}`);
  // What no encoder writes.
  await fetchTree(room, room.source, httpSourceOp(`http://u:50%25%zz@127.0.0.1:${room.server.port}/near?2`));
  t.is(sent(), `Basic ${Buffer.from('u:50%25%zz').toString('base64')}`);
});

test('what is compressed on the way only is unpacked again', async (t) => {
  const room = await openRoom(t, (_, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync('content'));
  });
  t.is(readFileSync(join((await room.fetch('/file')).path, 'file'), 'utf8'), 'content');
});

test('a connection that breaks is tried again, a half download leaves nothing', async (t) => {
  let tries = 0;
  const room = await openRoom(t, (request, response) => {
    if (request.url === '/flaky' && ++tries < 3) {
      response.setHeader('content-length', 100);
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    } else if (request.url === '/busy' && ++tries < 3) response.writeHead(503).end();
    else response.end('whole');
  });
  t.is(readFileSync(join((await room.fetch('/flaky')).path, 'flaky'), 'utf8'), 'whole');
  tries = 0;
  t.is(readFileSync(join((await room.fetch('/busy')).path, 'busy'), 'utf8'), 'whole');
  t.is(room.snapshotter.list().length, 2);
  t.deepEqual(
    readdirSync(room.store.paths.snapshots).filter((name) => name.startsWith('active')),
    [],
  );
});

test('failures name the URL without credentials, and what to do', async (t) => {
  const room = await openRoom(t, (request, response) => {
    if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (request.url === '/ftp') response.writeHead(302, { location: 'ftp://example.com/' }).end();
    else response.writeHead(request.url?.startsWith('/secret') ? 401 : 404).end();
  });
  const fail = async (url: string, code: string) =>
    t.throwsAsync<TsbuildError>(fetchTree(room, room.source, httpSourceOp(url)), { code });
  const missing = await fail(`${room.server.url.replace('//', '//user:pass@')}/gone?sig=1`, 'HTTP_STATUS');
  t.is(missing?.message, `GET ${room.server.url}/gone: the server answered 404 Not Found`);
  t.like(await fail(`${room.server.url}/secret`, 'HTTP_STATUS'), {
    hint: 'check the URL, or give credentials: --secret id=HTTP_AUTH_TOKEN_127.0.0.1,env=…',
  });
  t.regex((await fail(`${room.server.url}/loop`, 'HTTP_FAILED'))?.message ?? '', /more than 10 redirects/);
  t.regex((await fail(`${room.server.url}/ftp`, 'HTTP_FAILED'))?.message ?? '', /leads to ftp:/);
  t.like(await fail('http://127.0.0.1:1/file', 'HTTP_UNREACHABLE'), {
    message: 'GET http://127.0.0.1:1/file: connection refused',
    hint: 'nothing listens on 127.0.0.1:1: check host and port, and that the server runs',
  });
  t.regex((await fail(`https://127.0.0.1:${room.server.port}/`, 'HTTP_TLS'))?.hint ?? '', /begin the URL with http/);
  await fail('http://[bad/', 'URL_INVALID');
});

test('an abort ends a download at once', async (t) => {
  const room = await openRoom(t, (_, response) => {
    response.write('a little');
  });
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 100);
  await t.throwsAsync(fetchTree(room, room.source, httpSourceOp(`${room.server.url}/slow`), controller.signal), {
    message: 'enough',
  });
  t.deepEqual(readdirSync(room.store.paths.snapshots), []);
});
