import type { Secrets } from '../../secrets/types.ts';
import type { GitTree } from './git-op.ts';

/**
 * The Authorization header for a repository of the web, as settings in variables: in no command line, where `ps` would show it, and
 * in no file. By BuildKit's names of secrets, those for a host first: `GIT_AUTH_HEADER.<host>`, `GIT_AUTH_TOKEN.<host>`,
 * `GIT_AUTH_HEADER`, `GIT_AUTH_TOKEN`.
 */
export async function findAuthConfig(
  tree: GitTree,
  secrets: Pick<Secrets, 'read'>,
): Promise<Readonly<Record<string, string>>> {
  if (tree.protocol !== 'http' && tree.protocol !== 'https') return {};
  const found = (await readSecret(tree, secrets)) ?? basicOf(tree);
  if (found === undefined) return {};
  return {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: `http.${found.scope}.extraheader`,
    GIT_CONFIG_VALUE_0: `Authorization: ${found.header}`,
    // git would send the header along to wherever it is redirected.
    GIT_CONFIG_KEY_1: 'http.followRedirects',
    GIT_CONFIG_VALUE_1: 'false',
  };
}

interface FoundAuth {
  /** The URLs that get the header begin like this. */
  readonly scope: string;
  readonly header: string;
}

async function readSecret(tree: GitTree, secrets: Pick<Secrets, 'read'>): Promise<FoundAuth | undefined> {
  const { authHeaderSecret: header, authTokenSecret: token, host, remote } = tree;
  const name = host.replace(/:\d+$/, '');
  for (const suffix of new Set([`.${host}`, `.${name}`, ''])) {
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
