import { LRUCache } from 'lru-cache';
import { type Challenge, parseChallenges } from './auth-challenge.ts';
import { failed } from './errors.ts';
import type { Endpoint } from './hosts.ts';
import { basicAuthorization, fetchToken, type TokenRequest, type TokenSender } from './token.ts';
import type { Credential, CredentialProvider } from './types.ts';

/** What a request needs to be allowed: `repository:library/busybox:pull`. */
export type Scope = string;

/** Who we are at one registry, for requests to one repository. */
export interface Authorizer {
  /** The Authorization header to send; `undefined` while the registry has not asked who we are. */
  authorize(scopes: readonly Scope[], signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Learns from a 401. True when the request should be sent again: there is now a header to send, or a fresh one instead of `sent`.
   */
  learn(header: string | undefined, sent: string | undefined): Promise<boolean>;
  /** Whether requests carry a credential of the user's (and not only an anonymous token). */
  isAuthenticated(): Promise<boolean>;
}

/** Tokens and challenges of a client, shared by all its repositories. */
export interface AuthState {
  readonly tokens: LRUCache<string, Promise<string>>;
  /** By domain: what the registry last asked for. */
  readonly challenges: Map<string, KnownChallenge>;
}

type KnownChallenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: URL; readonly service: string | undefined };

export function createAuthState(): AuthState {
  return { tokens: new LRUCache({ max: 500 }), challenges: new Map() };
}

export function pullScope(path: string): Scope {
  return `repository:${path}:pull`;
}

export function pushScope(path: string): Scope {
  return `repository:${path}:pull,push`;
}

export function createAuthorizer(
  endpoint: Endpoint,
  path: string,
  state: AuthState,
  credentials: CredentialProvider,
  send: TokenSender,
): Authorizer {
  const { domain } = endpoint;
  const findCredential = (): Promise<Credential | undefined> => credentials.find(domain, path);

  const authorizeBearer = async (
    challenge: Extract<KnownChallenge, { scheme: 'bearer' }>,
    scopes: readonly Scope[],
    signal: AbortSignal | undefined,
  ): Promise<string> => {
    const credential = await findCredential();
    if (credential?.kind === 'bearer') return `Bearer ${credential.token}`;
    for (const sufficient of widerScopes(scopes)) {
      const cached = state.tokens.get(tokenKey(domain, challenge, sufficient, credential));
      if (cached !== undefined) return `Bearer ${await cached}`;
    }
    const request: TokenRequest = { realm: challenge.realm, service: challenge.service, scopes, credential };
    const key = tokenKey(domain, challenge, scopes, credential);
    // The promise is what is kept: layers that start together ask for one token. It outlives the caller's own signal.
    const token = fetchToken(request, send).then(({ value, lifetimeMs }) => {
      if (state.tokens.get(key) === token) state.tokens.set(key, token, { ttl: lifetimeMs });
      return value;
    });
    state.tokens.set(key, token);
    token.catch(() => {
      if (state.tokens.get(key) === token) state.tokens.delete(key);
    });
    const value = await token;
    signal?.throwIfAborted();
    return `Bearer ${value}`;
  };

  return {
    async authorize(scopes, signal) {
      const challenge = state.challenges.get(domain);
      if (challenge === undefined) return undefined;
      if (challenge.scheme === 'bearer') return authorizeBearer(challenge, scopes, signal);
      return basicHeader(await findCredential());
    },
    async learn(header, sent) {
      const challenge = chooseChallenge(endpoint, parseChallenges(header ?? ''));
      if (challenge === undefined) return false;
      state.challenges.set(domain, challenge);
      if (challenge.scheme === 'basic') return sent === undefined && basicHeader(await findCredential()) !== undefined;
      if (sent === undefined) return true;
      const credential = await findCredential();
      if (credential?.kind === 'bearer') return sent !== `Bearer ${credential.token}`;
      // It expired, or was revoked: forget it, wherever it is.
      for (const [key, token] of state.tokens.entries())
        if (`Bearer ${await token.catch(() => '')}` === sent) state.tokens.delete(key);
      return true;
    },
    isAuthenticated: async () => (await findCredential()) !== undefined,
  };
}

/** Bearer where it is offered, since Basic sends the password itself. */
function chooseChallenge(endpoint: Endpoint, challenges: readonly Challenge[]): KnownChallenge | undefined {
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined);
  if (bearer !== undefined)
    return {
      scheme: 'bearer',
      realm: checkRealm(endpoint, bearer.parameters.realm ?? ''),
      service: bearer.parameters.service,
    };
  return challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
}

/** The realm gets the password: in HTTPS, unless the registry itself is spoken to in plain HTTP. */
function checkRealm(endpoint: Endpoint, realm: string): URL {
  const where = `${endpoint.origin}/v2/`;
  let url: URL;
  try {
    url = new URL(realm);
  } catch {
    throw failed('GET', where, 'its authentication challenge has a realm that is not a URL');
  }
  const isPlainRegistry = endpoint.origin.startsWith('http:');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isPlainRegistry))
    throw failed(
      'GET',
      where,
      `its authentication realm ${url.protocol}//${url.host} is not HTTPS; no credentials are sent`,
    );
  return url;
}

function basicHeader(credential: Credential | undefined): string | undefined {
  if (credential?.kind === 'bearer') return `Bearer ${credential.token}`;
  if (credential?.kind !== 'password') return undefined;
  return basicAuthorization(credential.username, credential.password);
}

/** A token for push also pulls: no second one is asked for. */
function widerScopes(scopes: readonly Scope[]): readonly (readonly Scope[])[] {
  const wider = scopes.map((scope) => scope.replace(/:pull$/, ':pull,push'));
  return wider.every((scope, i) => scope === scopes[i]) ? [scopes] : [scopes, wider];
}

function tokenKey(
  domain: string,
  challenge: { readonly realm: URL; readonly service: string | undefined },
  scopes: readonly Scope[],
  credential: Credential | undefined,
): string {
  const account = credential === undefined ? '' : JSON.stringify(credential);
  return [domain, challenge.realm.href, challenge.service ?? '', [...scopes].sort().join(' '), account].join('\n');
}
