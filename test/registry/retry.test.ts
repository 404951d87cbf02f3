import { Readable } from 'node:stream';
import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { unreachable } from '../../src/registry/errors.ts';
import {
  attemptsFor,
  backoffMs,
  isRetryableError,
  isRetryableStatus,
  parseRetryAfter,
  pause,
} from '../../src/registry/retry.ts';
import { repositoryAt, serve } from './servers.ts';

test('pauses grow, are bounded, and are drawn from the whole span', (t) => {
  t.is(
    backoffMs(1, () => 1),
    500,
  );
  t.is(
    backoffMs(3, () => 1),
    2000,
  );
  t.is(
    backoffMs(30, () => 1),
    20_000,
  );
  t.is(
    backoffMs(3, () => 0),
    0,
  );
});

test('Retry-After is read as seconds and as a date', (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  t.is(parseRetryAfter('7', now), 7000);
  t.is(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  t.is(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now), 0);
  t.is(parseRetryAfter('soon', now), undefined);
  t.is(parseRetryAfter(undefined, now), undefined);
});

test('only what may pass is tried again', (t) => {
  t.true([408, 429, 500, 502, 503, 504].every(isRetryableStatus));
  t.false([400, 401, 403, 404, 416, 501].some(isRetryableStatus));
  const withCode = (code: string): Error => Object.assign(new Error(code), { code });
  t.true(isRetryableError(unreachable('GET', 'https://x/v2/', withCode('ECONNRESET'))));
  t.true(isRetryableError(withCode('UND_ERR_SOCKET')));
  t.false(isRetryableError(unreachable('GET', 'https://x/v2/', withCode('ECONNREFUSED'))));
  t.false(isRetryableError(unreachable('GET', 'https://x/v2/', withCode('CERT_HAS_EXPIRED'))));
  t.false(isRetryableError(new Error('anything')));
});

test('who is offline is told soon', (t) => {
  const withCode = (code: string): Error => Object.assign(new Error(code), { code });
  t.is(attemptsFor(withCode('ECONNRESET'), 5), 5);
  t.is(attemptsFor(withCode('EAI_AGAIN'), 5), 2);
  t.is(attemptsFor(withCode('EAI_AGAIN'), 1), 1);
  t.is(attemptsFor(withCode('ENOTFOUND'), 5), 1);
});

test('a pause ends with its signal', async (t) => {
  const controller = new AbortController();
  const pausing = pause(60_000, controller.signal);
  controller.abort(new Error('stop'));
  await t.throwsAsync(pausing, { message: 'stop' });
});

test('a manifest whose parts a registry does not see for a moment is sent again', async (t) => {
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2 }));
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(body),
    size: body.length,
  };
  let refusals = 2;
  const server = await serve(t, (request, response) => {
    request.resume();
    if (request.method === 'PUT' && refusals-- > 0)
      response
        .writeHead(400)
        .end(JSON.stringify({ errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', message: 'blob unknown' }] }));
    else response.writeHead(request.method === 'PUT' ? 201 : 200).end();
  });
  const push = () => repositoryAt(t, server.host).push(descriptor, { open: () => Readable.from([body]) });
  await push();
  t.is(server.requests.filter(({ method }) => method === 'PUT').length, 3);
  refusals = 3;
  await t.throwsAsync(push(), { code: 'MANIFEST_BLOB_UNKNOWN' });
});
