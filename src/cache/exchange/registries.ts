import type { Network } from '../../network.ts';
import { createRegistryClient } from '../../registry/index.ts';
import type { RegistryClient, RegistryRepository } from '../../registry/types.ts';

/** Repositories of caches; those of registries that were called insecure are spoken to by a client of their own. */
export interface Registries {
  repository(name: { readonly domain: string; readonly path: string }, insecure: boolean): RegistryRepository;
  close(): Promise<void>;
}

export function createRegistries(usual: Pick<RegistryClient, 'repository'>, network: Network): Registries {
  const insecureOnes = new Map<string, RegistryClient>();
  return {
    repository(name, insecure) {
      if (!insecure) return usual.repository(name);
      const known = insecureOnes.get(name.domain);
      const client = known ?? createRegistryClient({ network, insecureHosts: [name.domain] });
      insecureOnes.set(name.domain, client);
      return client.repository(name);
    },
    async close() {
      await Promise.all([...insecureOnes.values()].map((client) => client.close()));
    },
  };
}
