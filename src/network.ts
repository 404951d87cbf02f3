import { TsbuildError } from './errors.ts';

/** What somebody wants of the network. */
export interface NetworkNeed {
  readonly kind: 'registry' | 'url' | 'git';
  /** A repository of a registry, or a URL without credentials. */
  readonly name: string;
}

/**
 * The one door to the network. Whatever opens a connection, or starts a program that does, asks here before it so much as looks up a
 * host: the registry client, the client of the web, and git.
 */
export interface Network {
  readonly offline: boolean;
  /** Throws `OFFLINE`. */
  admit(need: NetworkNeed): void;
}

export const ONLINE: Network = { offline: false, admit() {} };

/** Nobody passes (`--offline`). */
export const OFFLINE: Network = {
  offline: true,
  admit(need) {
    throw refusedOffline(need);
  },
};

/** The code of every refusal for want of a network that may be used. */
export const OFFLINE_CODE = 'OFFLINE';

function refusedOffline({ kind, name }: NetworkNeed): TsbuildError {
  return new TsbuildError(OFFLINE_CODE, `${name} was not asked: --offline`, {
    hint: 'leave out --offline (TSBUILD_OFFLINE) to use the network',
    details: { kind, name },
  });
}
