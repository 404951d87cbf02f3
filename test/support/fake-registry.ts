import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One thing that a registry serves: under its digest, and under a tag where it has one. */
export interface FakeContent {
  readonly mediaType: string;
  readonly body: Uint8Array;
}

export interface FakeRegistry {
  readonly host: string;
  stop(): Promise<void>;
}

/**
 * A registry that says what it is told to, true or not: `manifests` by tag or digest, `blobs` by digest. It answers pulls
 * only.
 */
export async function startFakeRegistry(
  manifests: ReadonlyMap<string, FakeContent>,
  blobs: ReadonlyMap<string, Uint8Array>,
): Promise<FakeRegistry> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const [, kind, reference] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
    const found =
      kind === 'manifests'
        ? manifests.get(decodeURIComponent(reference ?? ''))
        : { mediaType: 'application/octet-stream', body: blobs.get(decodeURIComponent(reference ?? '')) };
    if (request.url === '/v2/') {
      response.writeHead(200).end();
    } else if (found?.body === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'NOT_FOUND', message: 'no such thing' }] }));
    } else {
      response.writeHead(200, { 'content-type': found.mediaType, 'content-length': found.body.length });
      response.end(request.method === 'HEAD' ? undefined : found.body);
    }
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
