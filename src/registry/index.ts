export { createRegistryClient } from './client.ts';
export type {
  Credential,
  CredentialProvider,
  RegistryClient,
  RegistryClientOptions,
  RegistryRepository,
} from './types.ts';
