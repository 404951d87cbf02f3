import type { Secrets } from '../../secrets/types.ts';
import type { GitTree } from './git-op.ts';

/** How git authenticates: settings in variables, and what nobody may read where git or the server prints it. */
export interface GitAuth {
  readonly env: Readonly<Record<string, string>>;
  readonly hidden: readonly Buffer[];
}

/**
 * The Authorization header for a repository of the web, as settings in variables: in no command line, where `ps` would show it, and
 * in no file. By BuildKit's names of secrets, those for a host (with its port, where the URL has one) first: `GIT_AUTH_HEADER.<host>`,
 * `GIT_AUTH_TOKEN.<host>`, `GIT_AUTH_HEADER`, `GIT_AUTH_TOKEN`.
 */
export async function findAuth(tree: GitTree, secrets: Pick<Secrets, 'read'>): Promise<GitAuth> {
  if (tree.protocol !== 'http' && tree.protocol !== 'https') return { env: {}, hidden: [] };
  const found = (await readSecret(tree, secrets)) ?? basicOf(tree);
  if (found === undefined) return { env: {}, hidden: [] };
  return {
    env: {
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: `http.${found.scope}.extraheader`,
      GIT_CONFIG_VALUE_0: `Authorization: ${found.header}`,
      // git would send the header along to wherever it is redirected.
      GIT_CONFIG_KEY_1: 'http.followRedirects',
      GIT_CONFIG_VALUE_1: 'false',
    },
    hidden: hiddenParts(found.header),
  };
}

/** The header without its scheme, and what basic authentication encodes: servers have been seen to print either. */
function hiddenParts(header: string): readonly Buffer[] {
  const [, scheme, value = header] = /^(\w+) +(.+)$/.exec(header) ?? [];
  const password = scheme?.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString('latin1') : '';
  return [value, password.slice(password.indexOf(':') + 1)].map((text) => Buffer.from(text, 'latin1'));
}

interface FoundAuth {
  /** The URLs that get the header begin like this. */
  readonly scope: string;
  readonly header: string;
}

async function readSecret(tree: GitTree, secrets: Pick<Secrets, 'read'>): Promise<FoundAuth | undefined> {
  const { authHeaderSecret: header, authTokenSecret: token, host, remote } = tree;
  for (const suffix of [`.${host}`, '']) {
    const value = header === undefined ? undefined : await secrets.read(header + suffix);
    if (value !== undefined) return { scope: scopeOf(remote), header: clean(value) };
    const word = token === undefined ? undefined : await secrets.read(token + suffix);
    if (word !== undefined) return { scope: scopeOf(remote), header: encode('x-access-token', clean(word)) };
  }
  return undefined;
}

/** Those of the URL are for the whole server: submodules that lie beside the repository use the same ones. */
function basicOf({ remote, credentials }: GitTree): FoundAuth | undefined {
  if (credentials === undefined) return undefined;
  return { scope: `${new URL(remote).origin}/`, header: encode(credentials.user, credentials.password) };
}

/** The one repository; on GitHub all of them, since its tokens are of accounts. */
function scopeOf(remote: string): string {
  return /^https:\/\/(?:www\.)?github\.com\//.exec(remote)?.[0] ?? remote;
}

function encode(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** Files of secrets end with a line feed, headers must not. */
function clean(secret: Buffer): string {
  return secret.toString('utf8').trim();
}
