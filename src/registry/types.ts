import type { Fetcher, Mounter, Pusher, Resolver, Tagger, TransferOptions } from '../content/targets.ts';
import type { Network } from '../network.ts';
import type { Reference } from '../oci/index.ts';

/** Speaks to any number of registries; connections, tokens and credentials are shared by everything made from it. */
export interface RegistryClient {
  /** One repository of a registry, as a place to copy from and to. No request is made yet. */
  repository(name: Pick<Reference, 'domain' | 'path'>): RegistryRepository;
  /** Closes idle connections and ends requests under way. */
  close(): Promise<void>;
}

/** One repository: `resolve`, `fetch`, `push`, `mount`, `tag` by the distribution-spec. */
export interface RegistryRepository extends Resolver, Fetcher, Pusher, Mounter, Tagger {
  /** `docker.io`, `ghcr.io`, `127.0.0.1:5000`. */
  readonly domain: string;
  /** `library/busybox`. */
  readonly path: string;
  /** Every tag in the registry's order, page by page. */
  tags(options?: TransferOptions): AsyncIterable<string>;
}

export interface RegistryClientOptions {
  /** Asked before anything is sent. Default: everything is allowed. */
  readonly network?: Network;
  /** Default `process.env`: DOCKER_CONFIG, REGISTRY_AUTH_FILE, HTTPS_PROXY, NO_PROXY, TSBUILD_EXTRA_CA_CERTS, … */
  readonly env?: NodeJS.ProcessEnv;
  /** Used instead of docker's and podman's files; `undefined` from it means anonymous. */
  readonly credentials?: CredentialProvider;
  /** Hosts (`host:port`) that may be spoken to in plain HTTP or with a certificate that nobody vouches for. Loopback always may. */
  readonly insecureHosts?: readonly string[];
  /** Attempts of each request, the first included. Default 5. */
  readonly maxAttempts?: number;
  /** The longest pause that a registry may ask for with Retry-After. Default 60 000. */
  readonly maxRetryAfterMs?: number;
  /** Until an answer's headers are there. Default 60 000. */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of an answer's body. Default 60 000. */
  readonly bodyTimeoutMs?: number;
  /** Connections to one host, each for reading and for writing. Default 8. */
  readonly connectionsPerHost?: number;
}

/** Finds who we are at a registry. */
export interface CredentialProvider {
  /** `domain` as in a reference; `path` the repository, for credentials of one namespace. */
  readonly find: (domain: string, path: string) => Promise<Credential | undefined>;
  /** Where it looked, for the message when the registry refuses. */
  readonly places: readonly string[];
}

export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token ("identity token" in docker's words). */
  | { readonly kind: 'identity'; readonly token: string }
  /** A bearer token, sent as it is. */
  | { readonly kind: 'bearer'; readonly token: string };
