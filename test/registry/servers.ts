import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { createRegistryClient, type RegistryClientOptions, type RegistryRepository } from '../../src/registry/index.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface TestServer {
  readonly host: string;
  /** All but what a probe for TLS leaves behind. */
  readonly requests: readonly SeenRequest[];
}

/** An HTTP server on loopback that answers as it is told, until the test ends. */
export async function serve(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Promise<TestServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    response.on('error', () => {});
    Promise.resolve(answer(request, response)).catch(() => response.destroy());
  });
  const host = await listen(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host, requests };
}

export interface CuttingProxy {
  readonly host: string;
  /** Connections that were cut. */
  readonly cuts: () => number;
}

/** Passes TCP on to `target`, and cuts each of the first `cuts` connections that carry more than `afterBytes` in one direction. */
export async function cutConnections(
  t: ExecutionContext,
  target: string,
  options: { readonly direction: 'up' | 'down'; readonly afterBytes: number; readonly cuts: number },
): Promise<CuttingProxy> {
  let cuts = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((client) => {
    const upstream = connect(Number(target.split(':')[1]), '127.0.0.1');
    let passed = 0;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    const pass = (from: Socket, to: Socket, counted: boolean): void => {
      from.on('data', (chunk: Buffer) => {
        passed += counted ? chunk.byteLength : 0;
        if (counted && passed > options.afterBytes && cuts < options.cuts) {
          cuts++;
          client.destroy();
          upstream.end();
        } else if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
      from.on('close', () => to.end());
    };
    pass(client, upstream, options.direction === 'up');
    pass(upstream, client, options.direction === 'down');
  });
  const host = await listen(server);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host, cuts: () => cuts };
}

/** A client that knows nobody's credentials and does not wait long. */
export function repositoryAt(
  t: ExecutionContext,
  host: string,
  path = 'some/app',
  options: RegistryClientOptions = {},
): RegistryRepository {
  const client = createRegistryClient({ env: { HOME: '/nonexistent' }, maxAttempts: 3, ...options });
  t.teardown(() => client.close());
  return client.repository({ domain: host, path });
}

/** Answers one blob, with Range, as a good registry does. */
export function sendRange(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start === 0) response.writeHead(200, { 'content-length': bytes.byteLength });
  else
    response.writeHead(206, {
      'content-length': bytes.byteLength - start,
      'content-range': `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}`,
    });
  response.end(bytes.subarray(start));
}

export function describeBlob(bytes: Buffer) {
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.byteLength };
}

export async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
