import type { RegistryClient, RegistryClientOptions, RegistryRepository } from './types.ts';

/**
 * A client of the distribution-spec. Making one costs nothing: the code behind it, HTTP and TLS included, is loaded with the first
 * request, since most builds make none.
 */
export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  let connected: Promise<RegistryClient> | undefined;
  const connect = (): Promise<RegistryClient> => {
    connected ??= import('./connected-client.ts').then(({ createConnectedClient }) => createConnectedClient(options));
    return connected;
  };
  return {
    repository(name) {
      let repository: Promise<RegistryRepository> | undefined;
      const open = (): Promise<RegistryRepository> => {
        repository ??= connect().then((client) => client.repository(name));
        return repository;
      };
      return {
        domain: name.domain,
        path: name.path,
        keepsGraphsWhole: true,
        resolve: async (...args) => (await open()).resolve(...args),
        fetch: async (...args) => (await open()).fetch(...args),
        exists: async (...args) => (await open()).exists(...args),
        push: async (...args) => (await open()).push(...args),
        mount: async (...args) => (await open()).mount(...args),
        tag: async (...args) => (await open()).tag(...args),
        async *tags(...args) {
          yield* (await open()).tags(...args);
        },
      };
    },
    async close() {
      await (await connected)?.close();
    },
  };
}
