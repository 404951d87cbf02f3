export { createRegistryClient } from './client.ts';
export type { RegistryClientOptions, RegistryRepository } from './types.ts';
