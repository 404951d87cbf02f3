import type { TransferOptions } from '../content/targets.ts';
import { ONLINE } from '../network.ts';
import type { RegistryClient, RegistryClientOptions, RegistryRepository } from './types.ts';

/**
 * A client of the distribution-spec. Making one costs nothing: the code behind it, HTTP and TLS included, is loaded with the first
 * request, since most builds make none. Every request of it begins here, and asks whether the network may be used. Throws `OFFLINE`.
 */
export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  const { network = ONLINE } = options;
  let connected: Promise<RegistryClient> | undefined;
  const connect = (): Promise<RegistryClient> => {
    connected ??= import('./connected-client.ts').then(({ createConnectedClient }) => createConnectedClient(options));
    return connected;
  };
  return {
    repository(name) {
      let repository: Promise<RegistryRepository> | undefined;
      const open = async (): Promise<RegistryRepository> => {
        network.admit({ kind: 'registry', name: `${name.domain}/${name.path}` });
        repository ??= connect().then((client) => client.repository(name));
        return await repository;
      };
      return {
        domain: name.domain,
        path: name.path,
        keepsGraphsWhole: true,
        resolve: async (reference, options) => (await open()).resolve(reference, withOwnSignal(options)),
        fetch: async (descriptor, options) => (await open()).fetch(descriptor, withOwnSignal(options)),
        exists: async (descriptor, options) => (await open()).exists(descriptor, withOwnSignal(options)),
        push: async (descriptor, content, options) => (await open()).push(descriptor, content, withOwnSignal(options)),
        mount: async (descriptor, from, options) => (await open()).mount(descriptor, from, withOwnSignal(options)),
        tag: async (descriptor, tag, options) => (await open()).tag(descriptor, tag, withOwnSignal(options)),
        async *tags(options) {
          yield* (await open()).tags(withOwnSignal(options));
        },
      };
    },
    async close() {
      await (await connected)?.close();
    },
  };
}

/** Each operation listens on a signal that follows the caller's: of many at once, Node would take the listeners for a leak. */
function withOwnSignal<T extends TransferOptions>(options: T | undefined): T | undefined {
  return options?.signal === undefined ? options : { ...options, signal: AbortSignal.any([options.signal]) };
}
