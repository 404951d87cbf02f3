import type { Reference } from '../oci/index.ts';
import { createAuthorizer, createAuthState } from './auth.ts';
import { createCredentialProvider } from './credentials.ts';
import { createDispatchers } from './dispatchers.ts';
import { findEndpoint, isLoopback } from './hosts.ts';
import { createRepository } from './repository.ts';
import type { RepositoryContext } from './repository-context.ts';
import { createRequester, type RetryPolicy, readBody } from './requester.ts';
import type { TokenSender } from './token.ts';
import { createTransport } from './transport.ts';
import type { RegistryClient, RegistryClientOptions } from './types.ts';

const MAX_TOKEN_BYTES = 1024 * 1024;
/** What a token server may answer; all but 200 is explained by whoever asked. */
const TOKEN_STATUSES = [200, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405];

/** The client itself: connections, tokens and credentials that all its repositories share. */
export function createConnectedClient(options: RegistryClientOptions): RegistryClient {
  const env = options.env ?? process.env;
  const credentials = options.credentials ?? createCredentialProvider(env);
  const insecureHosts = options.insecureHosts ?? listInsecureHosts(env);
  const dispatchers = createDispatchers(options, env);
  const authState = createAuthState();
  const policy: RetryPolicy = {
    maxAttempts: options.maxAttempts ?? 5,
    maxRetryAfterMs: options.maxRetryAfterMs ?? 60_000,
  };
  const timeouts = {
    headersTimeoutMs: options.headersTimeoutMs ?? 60_000,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 60_000,
  };

  const sendForToken =
    (context: { readonly domain: string; readonly path: string }): TokenSender =>
    async ({ method, url, authorization, form }) => {
      const realm = { domain: url.host, origin: url.origin, verifyTls: !isLoopback(url.host) };
      const anonymous = {
        authorize: async () => authorization,
        learn: async () => false,
        isAuthenticated: async () => authorization !== undefined,
      };
      const transport = createTransport(realm, dispatchers, timeouts);
      const requester = createRequester(transport, anonymous, policy, () => ({
        ...context,
        places: credentials.places,
      }));
      const response = await requester.send({
        method,
        url,
        scopes: [],
        expect: TOKEN_STATUSES,
        followRedirects: false,
        ...(form === undefined ? {} : formBody(form)),
      });
      return { status: response.status, content: await readBody(method, response, MAX_TOKEN_BYTES) };
    };

  const connect = async ({ domain, path }: Pick<Reference, 'domain' | 'path'>): Promise<RepositoryContext> => {
    const endpoint = await findEndpoint(domain, insecureHosts);
    const authorizer = createAuthorizer(endpoint, path, authState, credentials, sendForToken({ domain, path }));
    const transport = createTransport(endpoint, dispatchers, timeouts);
    return {
      domain,
      path,
      maxAttempts: policy.maxAttempts,
      requester: createRequester(transport, authorizer, policy, () => ({ domain, path, places: credentials.places })),
      url: (rest) => new URL(`/v2/${path}/${rest}`, endpoint.origin),
    };
  };

  return {
    repository({ domain, path }) {
      const name = { domain, path };
      let connected: Promise<RepositoryContext> | undefined;
      return createRepository(name, () => {
        connected ??= connect(name).catch((error: unknown) => {
          connected = undefined;
          throw error;
        });
        return connected;
      });
    },
    close: () => dispatchers.close(),
  };
}

/** TSBUILD_INSECURE_REGISTRIES: hosts with their ports, parted by commas or spaces. */
function listInsecureHosts(env: NodeJS.ProcessEnv): readonly string[] {
  return (env.TSBUILD_INSECURE_REGISTRIES ?? '').split(/[\s,]+/).filter((host) => host !== '');
}

function formBody(form: string) {
  const content = Buffer.from(form);
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: {
      size: content.byteLength,
      async *open() {
        yield content;
      },
    },
  };
}
