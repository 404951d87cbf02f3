import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { describeBlob, repositoryAt, serve } from './servers.ts';

interface UploadRules {
  /** Refuse request bodies above this, as many proxies do. */
  readonly maxRequestBytes?: number;
  /** Drop the connection once so many bytes have arrived in all, each time anew. */
  readonly dropAt?: readonly number[];
  /** Commit, and drop the connection instead of saying so. */
  readonly dropAnswer?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A registry's upload side by the letter of the distribution-spec: it keeps what arrived, and says how much that is. */
async function serveUploads(t: ExecutionContext, rules: UploadRules = {}) {
  let chunks: Buffer[] = [];
  let length = 0;
  const blobs = new Map<string, Buffer>();
  const drops = [...(rules.dropAt ?? [])];
  let answersToDrop = rules.dropAnswer ? 1 : 0;
  let serial = 0;
  const location = () => `/upload/session?secret=s3cret&serial=${++serial}`;

  const receive = async (request: IncomingMessage): Promise<void> => {
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).byteLength;
      if (length >= (drops[0] ?? Number.POSITIVE_INFINITY)) {
        drops.shift();
        request.socket.destroy();
      }
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '' } = request;
    const digest = /digest=([^&]*)/.exec(url)?.[1];
    if (method === 'HEAD') {
      response.writeHead(blobs.has(url.split('/').at(-1) ?? '') ? 200 : 404).end();
    } else if (method === 'POST') {
      chunks = [];
      length = 0;
      response.writeHead(202, { location: location(), ...rules.headers }).end();
    } else if (method === 'GET' && blobs.size > 0) {
      // A session that was committed is forgotten.
      response.writeHead(404).end();
    } else if (method === 'GET') {
      response.writeHead(204, { location: location(), range: `0-${Math.max(0, length - 1)}` }).end();
    } else if (method === 'DELETE') {
      response.writeHead(204).end();
    } else if (Number(request.headers['content-length'] ?? 0) > (rules.maxRequestBytes ?? Number.POSITIVE_INFINITY)) {
      response.writeHead(413, { connection: 'close' }).end('<html>too large</html>');
    } else {
      const range = /^(\d+)-(\d+)$/.exec(request.headers['content-range'] ?? '');
      if (range !== null && Number(range[1]) !== length) {
        response.writeHead(416, { location: location(), range: `0-${length - 1}` }).end();
        return;
      }
      await receive(request);
      if (method === 'PATCH') {
        response.writeHead(202, { location: location(), range: `0-${length - 1}` }).end();
        return;
      }
      const received = Buffer.concat(chunks);
      if (digest === undefined || decodeURIComponent(digest) !== digestOf(received)) {
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ errors: [{ code: 'DIGEST_INVALID', message: 'digest invalid' }] }));
      } else {
        blobs.set(decodeURIComponent(digest), received);
        if (answersToDrop-- > 0) request.socket.destroy();
        else response.writeHead(201).end();
      }
    }
  };
  const server = await serve(t, answer);
  const methods = () => server.requests.map(({ method }) => method).filter((method) => method !== 'HEAD');
  return { ...server, blobs, methods };
}

const reopenable = (bytes: Buffer, opened: number[] = []) => ({
  open(offset = 0) {
    opened.push(offset);
    return Readable.from(split(bytes.subarray(offset)));
  },
});

function* split(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

test('a blob goes in one request, and the progress in bytes with it', async (t) => {
  const server = await serveUploads(t);
  const bytes = randomBytes(3_000_000);
  const seen: number[] = [];
  await repositoryAt(t, server.host).push(describeBlob(bytes), reopenable(bytes), { onProgress: (n) => seen.push(n) });
  t.deepEqual(server.methods(), ['POST', 'PUT']);
  t.true(server.blobs.get(digestOf(bytes))?.equals(bytes));
  t.is(seen.at(-1), bytes.byteLength);
  t.deepEqual(
    [...seen].sort((a, b) => a - b),
    seen,
  );
  const put = server.requests.at(-1);
  t.is(put?.headers['content-length'], String(bytes.byteLength));
  t.regex(put?.url ?? '', /^\/upload\/session\?secret=s3cret&serial=1&digest=sha256%3A[0-9a-f]{64}$/);
});

test('a broken upload goes on with what the registry has not got', async (t) => {
  const server = await serveUploads(t, { dropAt: [3_000_000, 6_000_000] });
  const bytes = randomBytes(10_000_000);
  const opened: number[] = [];
  await repositoryAt(t, server.host).push(describeBlob(bytes), reopenable(bytes, opened));
  t.is(opened.length, 3);
  t.is(opened[0], 0);
  t.true((opened[1] ?? 0) >= 3_000_000 && (opened[2] ?? 0) >= 6_000_000, `it went on at ${opened.join(', ')}`);
  t.true(server.blobs.get(digestOf(bytes))?.equals(bytes));
  t.deepEqual(server.methods(), ['POST', 'PUT', 'GET', 'PATCH', 'GET', 'PATCH', 'PUT']);
});

test('where large requests are refused, a blob goes in chunks', async (t) => {
  const server = await serveUploads(t, { maxRequestBytes: 10_000_000 });
  const bytes = randomBytes(33_000_000);
  await repositoryAt(t, server.host).push(describeBlob(bytes), reopenable(bytes));
  t.true(server.blobs.get(digestOf(bytes))?.equals(bytes));
  t.deepEqual(server.methods().slice(-5), ['PATCH', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
  t.true(server.methods().includes('DELETE'), 'sessions that are given up are cancelled');
});

test('a chunk is never less than the registry asks for', async (t) => {
  const minimum = 20 * 1024 * 1024;
  const server = await serveUploads(t, {
    maxRequestBytes: minimum,
    headers: { 'oci-chunk-min-length': String(minimum) },
  });
  const bytes = randomBytes(45_000_000);
  await repositoryAt(t, server.host).push(describeBlob(bytes), reopenable(bytes));
  const sizes = server.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ headers }) => Number(headers['content-length']));
  t.deepEqual(sizes.slice(-3), [minimum, minimum, 45_000_000 - 2 * minimum]);
});

test('a committed upload whose answer was lost is not sent again', async (t) => {
  const server = await serveUploads(t, { dropAnswer: true });
  const bytes = randomBytes(100_000);
  const opened: number[] = [];
  await repositoryAt(t, server.host).push(describeBlob(bytes), reopenable(bytes, opened));
  t.is(opened.length, 1);
});

test('what is refused for good is refused at once, without a secret of the session', async (t) => {
  const server = await serveUploads(t);
  const blob = describeBlob(randomBytes(1000));
  const error = await t.throwsAsync(repositoryAt(t, server.host).push(blob, reopenable(randomBytes(1000))), {
    code: 'DIGEST_MISMATCH',
  });
  t.deepEqual(server.methods(), ['POST', 'PUT', 'DELETE']);
  t.false(JSON.stringify([error?.message, error, error?.stack]).includes('s3cret'));
});

test('attempts that bring nothing run out', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.method === 'POST') response.writeHead(202, { location: '/upload/x?secret=s3cret' }).end();
    else if (request.method === 'PUT') response.writeHead(503).end();
    else response.writeHead(404).end();
  });
  const bytes = randomBytes(1000);
  const error = await t.throwsAsync(repositoryAt(t, server.host).push(describeBlob(bytes), reopenable(bytes)), {
    code: 'BLOB_UPLOAD_FAILED',
  });
  t.regex(error?.message ?? '', /503 Service Unavailable/);
  t.false(error?.message.includes('s3cret'));
  t.is(server.requests.filter(({ method }) => method === 'PUT').length, 3);
});

test('the source of a blob fails with its own error', async (t) => {
  const server = await serveUploads(t);
  const cause = new Error('the disk is broken');
  const failing = {
    open: () =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(1000);
          throw cause;
        })(),
      ),
  };
  const error = await t.throwsAsync(repositoryAt(t, server.host).push(describeBlob(randomBytes(5000)), failing));
  t.is(error, cause);
});

test('a source that gives too little is no blob', async (t) => {
  const server = await serveUploads(t);
  const bytes = randomBytes(5000);
  const short = { open: () => Readable.from([bytes.subarray(0, 4000)]) };
  await t.throwsAsync(repositoryAt(t, server.host).push(describeBlob(bytes), short), { code: 'SIZE_MISMATCH' });
  t.is(server.blobs.size, 0);
});

test('a session on another host gets no credentials', async (t) => {
  const other = await serve(t, (_request, response) => {
    response.writeHead(201).end();
  });
  const server = await serve(t, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    else response.writeHead(202, { location: `http://${other.host}/upload/x` }).end();
  });
  const bytes = randomBytes(100);
  const credentials = {
    find: async () => ({ kind: 'password' as const, username: 'u', password: 'p' }),
    places: [],
  };
  await repositoryAt(t, server.host, 'app', { credentials }).push(describeBlob(bytes), reopenable(bytes));
  t.truthy(server.requests.at(-1)?.headers.authorization);
  t.deepEqual(
    other.requests.map(({ method, headers }) => [method, headers.authorization]),
    [['PUT', undefined]],
  );
});
