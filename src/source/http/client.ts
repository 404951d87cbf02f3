import { type Network, ONLINE } from '../../network.ts';
import type { Dispatchers } from '../../registry/dispatchers.ts';
import type { HttpResponse } from '../../registry/transport.ts';
import { redactUrl } from '../../remote-url/index.ts';

/** Downloads from the web; connections are shared by everything that one client fetches. */
export interface HttpClient {
  /**
   * Asks for a URL and gives the answer to `receive`. Redirects are followed; what breaks on the way, the reading of the body included,
   * is tried again, so `receive` may be called more than once. Throws `OFFLINE`, `HTTP_UNREACHABLE`, `HTTP_TLS`, `HTTP_FAILED`, `HTTP_STATUS`.
   */
  get<T>(request: HttpGet, receive: (answer: HttpResponse) => Promise<T>): Promise<T>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

export interface HttpGet {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the URL's own host alone. */
  readonly authorization?: string;
  readonly signal: AbortSignal;
}

/** A client that loads undici with its first request: most builds make none. */
export function createHttpClient(network: Network = ONLINE, env: NodeJS.ProcessEnv = process.env): HttpClient {
  let opened: Promise<Dispatchers> | undefined;
  const open = (): Promise<Dispatchers> => {
    opened ??= import('../../registry/dispatchers.ts').then(({ createDispatchers }) => createDispatchers({}, env));
    return opened;
  };
  return {
    async get(request, receive) {
      network.admit({ kind: 'url', name: redactUrl(request.url.href) });
      const [dispatchers, { get }] = await Promise.all([open(), import('./get.ts')]);
      return get(dispatchers, request, receive);
    },
    async close() {
      await (await opened)?.close();
    },
  };
}
