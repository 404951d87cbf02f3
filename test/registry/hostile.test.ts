import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import test from 'ava';
import { copyGraph, createStoreTarget } from '../../src/content/index.ts';
import { type Descriptor, digestOf, encodeJson, MediaType } from '../../src/oci/index.ts';
import { openTestStore } from '../content/test-store.ts';
import { describeBlob, listen, repositoryAt, sendRange, serve } from './servers.ts';

const BYTES = randomBytes(500_000);
const BLOB = describeBlob(BYTES);

function sendWithoutEnd(response: ServerResponse, onSent: () => void): void {
  const pump = (): void => {
    do onSent();
    while (!response.destroyed && response.write(BYTES));
  };
  response.on('drain', pump);
  pump();
}

/** Fetches a blob into an empty store. */
async function pullBlob(
  t: Parameters<typeof serve>[0],
  host: string,
  blob: Descriptor = BLOB,
  options = {},
): Promise<void> {
  const { content, dispose } = await openTestStore();
  try {
    await content.ingest(blob, await repositoryAt(t, host, 'some/app', options).fetch(blob));
  } finally {
    const there = [...content.list()].map(({ digest, size }) => ({ digest, size }));
    const whole = content.stat(blob.digest) === undefined ? [] : [{ digest: blob.digest, size: blob.size }];
    t.deepEqual(there, whole, 'whole or not there');
    await dispose();
  }
}

test('a blob of other bytes is refused', async (t) => {
  const server = await serve(t, (_, response) => {
    response.end(randomBytes(BYTES.byteLength));
  });
  await t.throwsAsync(pullBlob(t, server.host), { code: 'DIGEST_MISMATCH' });
});

test('a blob that announces another length is refused before it is read', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': BYTES.byteLength + 1 }).write(BYTES);
  });
  const error = await t.throwsAsync(pullBlob(t, server.host), { code: 'SIZE_MISMATCH' });
  t.like(error, { details: { expected: BYTES.byteLength, actual: BYTES.byteLength + 1 } });
  t.is(server.requests.length, 1);
});

test('a blob without announced length that is too short is refused', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.headers.range === undefined) response.end(BYTES.subarray(0, 1000));
    else response.writeHead(416).end();
  });
  await t.throwsAsync(pullBlob(t, server.host), { code: 'SIZE_MISMATCH' });
});

test('a blob without end is cut off', async (t) => {
  let sent = 0;
  const server = await serve(t, (_, response) => {
    sendWithoutEnd(response, () => {
      sent += BYTES.byteLength;
    });
  });
  await t.throwsAsync(pullBlob(t, server.host), { code: 'SIZE_MISMATCH' });
  const stream = await repositoryAt(t, server.host).fetch(BLOB);
  await t.throwsAsync(stream.toArray(), { code: 'SIZE_MISMATCH' }, 'also for a reader that does not count');
  t.true(sent < 100_000_000, `${sent} bytes were taken`);
});

for (const honoured of [true, false])
  test(`a blob that is cut off is resumed where the server ${honoured ? 'knows' : 'ignores'} Range`, async (t) => {
    let cuts = 0;
    const server = await serve(t, (request, response) => {
      if (cuts++ < 2) {
        const start = honoured ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
        response.writeHead(start === 0 ? 200 : 206, {
          'content-length': BYTES.byteLength - start,
          ...(start === 0 ? {} : { 'content-range': `bytes ${start}-${BYTES.byteLength - 1}/${BYTES.byteLength}` }),
        });
        response.write(BYTES.subarray(start, start + 150_000), () => request.socket.destroy());
      } else if (honoured) sendRange(request, response, BYTES);
      else response.end(BYTES);
    });
    await pullBlob(t, server.host);
    t.is(server.requests.length, 3);
    const ranges = server.requests.map(({ headers }) => headers.range);
    t.is(ranges[0], undefined);
    t.regex(String(ranges[1]), /^bytes=[1-9]\d*-$/);
  });

test('a wrong piece after a break is refused', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.headers.range === undefined) {
      response.writeHead(200, { 'content-length': BYTES.byteLength });
      response.write(BYTES.subarray(0, 1000), () => request.socket.destroy());
    } else {
      response.writeHead(206, { 'content-range': `bytes 400000-${BYTES.byteLength - 1}/${BYTES.byteLength}` });
      response.end(BYTES.subarray(400_000));
    }
  });
  await t.throwsAsync(pullBlob(t, server.host), { code: 'REGISTRY_FAILED', message: /got bytes from 400000/ });
});

test('429 is waited out for as long as the registry asks', async (t) => {
  const times: number[] = [];
  const server = await serve(t, (request, response) => {
    times.push(Date.now());
    if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
    else sendRange(request, response, BYTES);
  });
  await pullBlob(t, server.host);
  t.is(times.length, 2);
  // A timer counts from the moment its loop woke up at, which may lie a few ms back.
  t.true((times[1] ?? 0) - (times[0] ?? 0) >= 950);
});

test('a registry that asks for an hour is not waited for', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(429, { 'retry-after': '3600', 'content-type': 'application/json' });
    response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}');
  });
  const error = await t.throwsAsync(pullBlob(t, server.host), { code: 'REGISTRY_RATE_LIMITED' });
  t.regex(error?.message ?? '', /429 Too Many Requests \(TOOMANYREQUESTS: pull rate limit\)/);
  t.is(server.requests.length, 1);
});

test('a 5xx is tried again; a limit that comes as 403 is named', async (t) => {
  const answers = [500, 503];
  const server = await serve(t, (request, response) => {
    const status = answers.shift();
    if (status === undefined) sendRange(request, response, BYTES);
    else response.writeHead(status).end();
  });
  await pullBlob(t, server.host);
  const limited = await serve(t, (_, response) => {
    response.writeHead(403).end('You have exceeded a secondary rate limit');
  });
  await t.throwsAsync(pullBlob(t, limited.host), { code: 'REGISTRY_RATE_LIMITED' });
});

const credentials = {
  find: async () => ({ kind: 'password' as const, username: 'user', password: 'hunter2' }),
  places: [],
};

test('a redirect to another host loses the credentials, and its signature is not shown', async (t) => {
  let fail = false;
  const storage = await serve(t, (request, response) => {
    if (fail) response.writeHead(403).end('signature expired');
    else sendRange(request, response, BYTES);
  });
  const server = await serve(t, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    else response.writeHead(307, { location: `http://${storage.host}/data?X-Amz-Signature=s3cret` }).end();
  });
  await pullBlob(t, server.host, BLOB, { credentials });
  t.truthy(server.requests.at(-1)?.headers.authorization);
  t.is(storage.requests.length, 1);
  t.is(storage.requests[0]?.headers.authorization, undefined);
  fail = true;
  const error = await t.throwsAsync(pullBlob(t, server.host, BLOB, { credentials }), { code: 'REGISTRY_DENIED' });
  t.false(JSON.stringify([error?.message, error, error?.stack]).includes('s3cret'));
});

test('redirects that lead in a circle, or to no place for a registry, are not followed', async (t) => {
  const circle = await serve(t, (_, response) => {
    response.writeHead(307, { location: '/v2/again' }).end();
  });
  await t.throwsAsync(pullBlob(t, circle.host), { code: 'REGISTRY_FAILED', message: /too many redirects/ });
  t.true(circle.requests.length < 20);
  for (const location of ['file:///etc/passwd', 'http://', 'ftp://x/']) {
    const server = await serve(t, (_, response) => {
      response.writeHead(302, { location }).end();
    });
    await t.throwsAsync(pullBlob(t, server.host), { code: 'REGISTRY_FAILED', message: /redirect is not followed/ });
  }
});

test('a 401 that never ends is an error after one answer to it', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url?.startsWith('/token')) response.end('{"token":"t0ken"}');
    else
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="s"` })
        .end();
  });
  const error = await t.throwsAsync(pullBlob(t, server.host), { code: 'REGISTRY_UNAUTHORIZED' });
  t.false(JSON.stringify(error).includes('t0ken'));
  t.deepEqual(
    server.requests.map(({ url }) => url.split('?')[0]),
    [`/v2/some/app/blobs/${BLOB.digest}`, '/token', `/v2/some/app/blobs/${BLOB.digest}`],
  );
});

test('a token that has expired is replaced', async (t) => {
  let issued = 0;
  let valid = '';
  const server = await serve(t, (request, response) => {
    if (request.url?.startsWith('/token')) {
      valid = `token${++issued}`;
      response.end(JSON.stringify({ token: valid, expires_in: 300 }));
    } else if (request.headers.authorization !== `Bearer ${valid}`) {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();
    } else sendRange(request, response, BYTES);
  });
  const repository = repositoryAt(t, server.host);
  await (await repository.fetch(BLOB)).toArray();
  await (await repository.fetch(BLOB)).toArray();
  t.is(issued, 1);
  valid = 'revoked on the other side';
  await (await repository.fetch(BLOB)).toArray();
  t.is(issued, 2);
});

test('a token server that talks nonsense is named', async (t) => {
  const answers = ['not json', '{}', '{"token":"with\\r\\nnewline"}', 'null', `{"token":"${'x'.repeat(2_000_000)}"}`];
  for (const answer of answers) {
    const server = await serve(t, (request, response) => {
      if (request.url?.startsWith('/token')) response.end(answer);
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();
    });
    await t.throwsAsync(pullBlob(t, server.host), { code: 'REGISTRY_FAILED' });
  }
});

test('a token server may not send the password elsewhere', async (t) => {
  const thief = await serve(t, (_, response) => {
    response.end('{"token":"x"}');
  });
  const server = await serve(t, (request, response) => {
    if (request.url?.startsWith('/token')) response.writeHead(307, { location: `http://${thief.host}/token` }).end();
    else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();
  });
  await t.throwsAsync(pullBlob(t, server.host, BLOB, { credentials }), { code: 'REGISTRY_FAILED' });
  t.deepEqual(thief.requests, []);
});

const serveManifest =
  (body: Buffer, headers: Record<string, string | number> = {}) =>
  (request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': MediaType.ociManifest, 'content-length': body.byteLength, ...headers });
    response.end(request.method === 'HEAD' ? undefined : body);
  };

test('a huge manifest is not read', async (t) => {
  let sent = 0;
  const server = await serve(t, (request, response) => {
    if (request.method === 'HEAD') return void response.writeHead(405).end();
    response.writeHead(200, { 'content-type': MediaType.ociManifest });
    sendWithoutEnd(response, () => {
      sent += BYTES.byteLength;
    });
  });
  await t.throwsAsync(repositoryAt(t, server.host).resolve('v1'), { code: 'REGISTRY_FAILED', message: /longer than/ });
  t.true(sent < 100_000_000, `${sent} bytes were taken`);
  const liar = { mediaType: MediaType.ociManifest, digest: digestOf('x'), size: 1e10 };
  await t.throwsAsync(repositoryAt(t, server.host).fetch(liar), { code: 'CONTENT_TOO_LARGE' });
});

test('a manifest must be what its digest says; without a type it is known by its shape', async (t) => {
  const body = encodeJson({ schemaVersion: 2, config: BLOB, layers: [] });
  const lying = await serve(t, serveManifest(body, { 'docker-content-digest': digestOf('other') }));
  const repository = repositoryAt(t, lying.host);
  const resolved = await repository.resolve('v1');
  const { content, dispose } = await openTestStore();
  t.teardown(dispose);
  await t.throwsAsync(copyGraph(repository, createStoreTarget(content), resolved), { code: 'DIGEST_MISMATCH' });
  await t.throwsAsync(repository.resolve(digestOf('asked')), { code: 'DIGEST_MISMATCH' });
  t.deepEqual([...content.list()], []);

  const silent = await serve(t, serveManifest(body, { 'content-type': 'application/json' }));
  t.like(await repositoryAt(t, silent.host).resolve('v1'), {
    mediaType: MediaType.ociManifest,
    digest: digestOf(body),
  });
});

test('a manifest of schema 1 is refused by name', async (t) => {
  const body = Buffer.from('{"schemaVersion":1}');
  const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  const server = await serve(t, serveManifest(body, { 'content-type': type, 'docker-content-digest': digestOf(body) }));
  await t.throwsAsync(repositoryAt(t, server.host).resolve('v1'), {
    code: 'MANIFEST_UNSUPPORTED',
    message: /schema|prettyjws/,
  });
});

test('a registry without HEAD, digests or lengths is asked by GET', async (t) => {
  const body = encodeJson({ schemaVersion: 2, mediaType: MediaType.ociManifest, config: BLOB, layers: [] });
  const server = await serve(t, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(405).end();
    else response.writeHead(200, { 'content-type': MediaType.ociManifest }).end(body);
  });
  t.deepEqual(await repositoryAt(t, server.host).resolve('v1'), {
    mediaType: MediaType.ociManifest,
    digest: digestOf(body),
    size: body.byteLength,
  });
});

const collectTags = async (host: string, t: Parameters<typeof serve>[0]): Promise<string[]> => {
  const tags: string[] = [];
  for await (const tag of repositoryAt(t, host).tags()) tags.push(tag);
  return tags;
};

test('tags come page by page; links in a circle or to another host are not followed', async (t) => {
  const pages = await serve(t, (request, response) => {
    const last = /last=(\d+)/.exec(request.url ?? '')?.[1];
    const at = Number(last ?? 0);
    if (at < 3) response.setHeader('link', `</v2/some/app/tags/list?n=1&last=${at + 1}>; rel="next"`);
    response.end(JSON.stringify({ name: 'some/app', tags: [`t${at}`] }));
  });
  t.deepEqual(await collectTags(pages.host, t), ['t0', 't1', 't2', 't3']);
  const circle = await serve(t, (_, response) => {
    response.setHeader('link', '</v2/some/app/tags/list?n=1&last=a>; rel="next"');
    response.end('{"tags":["a"]}');
  });
  await t.throwsAsync(collectTags(circle.host, t), { code: 'REGISTRY_FAILED', message: /circle/ });
  const elsewhere = await serve(t, (_, response) => {
    response.setHeader('link', '<https://elsewhere.example/v2/tags>; rel="next"');
    response.end('{"tags":["a"]}');
  });
  await t.throwsAsync(collectTags(elsewhere.host, t), { code: 'REGISTRY_FAILED', message: /another host/ });
  const none = await serve(t, (_, response) => {
    response.end('{"name":"x","tags":null}');
  });
  t.deepEqual(await collectTags(none.host, t), []);
});

test('headers that never end are given up', async (t) => {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (hello) => {
      // The probe for TLS.
      if (hello[0] === 0x16) return socket.end('HTTP/1.0 400 Bad Request\r\n\r\n');
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x-slow: 1\r\n'), 50);
      socket.on('close', () => clearInterval(timer));
      return undefined;
    });
  });
  const host = await listen(server);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const started = Date.now();
  const error = await t.throwsAsync(pullBlob(t, host, BLOB, { headersTimeoutMs: 500, maxAttempts: 1 }), {
    code: 'REGISTRY_UNREACHABLE',
  });
  t.regex(error?.message ?? '', /did not answer in time/);
  t.true(Date.now() - started < 60_000);
});

test('a body that stops is given up, after it was asked for again', async (t) => {
  const server = await serve(t, (request, response) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${BYTES.byteLength - 1}/${BYTES.byteLength}`);
    response.writeHead(start === 0 ? 200 : 206, { 'content-length': BYTES.byteLength - start });
    if (start === 0) response.write(BYTES.subarray(0, 1000));
    else response.flushHeaders();
  });
  const error = await t.throwsAsync(pullBlob(t, server.host, BLOB, { bodyTimeoutMs: 300, maxAttempts: 2 }), {
    code: 'REGISTRY_UNREACHABLE',
  });
  t.regex(error?.message ?? '', /stopped sending/);
  t.is(server.requests.length, 2);
});

test('text of a registry reaches a terminal without its control characters', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ errors: [{ code: 'X\u001b[31m', message: `evil\u001b]0;title\u0007\n${'a'.repeat(5000)}` }] }),
    );
  });
  const error = await t.throwsAsync(pullBlob(t, server.host), { code: 'BLOB_UNKNOWN' });
  t.notRegex(error?.message ?? '', /\p{Cc}/u);
  t.true((error?.message.length ?? 0) < 800);
});

test('many downloads under one signal are no leak of listeners', async (t) => {
  const server = await serve(t, (request, response) => sendRange(request, response, BYTES));
  const warnings: Error[] = [];
  const note = (warning: Error): number => warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const { content, dispose } = await openTestStore();
  t.teardown(dispose);
  const { signal } = new AbortController();
  const repository = repositoryAt(t, server.host);
  const pulls = Array.from({ length: 20 }, async () =>
    content.ingest(BLOB, await repository.fetch(BLOB, { signal }), { signal }),
  );
  await Promise.all(pulls);
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(warnings, []);
});

test('an abort ends a download at once', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': BYTES.byteLength });
    response.write(BYTES.subarray(0, 1000));
  });
  const controller = new AbortController();
  const stream = await repositoryAt(t, server.host).fetch(BLOB, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 50);
  const error = await t.throwsAsync(stream.toArray());
  t.true(error?.message === 'enough' || error?.name === 'AbortError');
});
