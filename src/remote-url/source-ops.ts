import type { GitUrl } from './git-url.ts';
import { decodePart } from './user.ts';

/** What a source op says, but for its type. */
export interface RemoteOp {
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
}

/**
 * The source op of a repository, with BuildKit's attributes: it gives the tree of the checkout. Secrets are named, never held. A checkout
 * over ssh asks the agent `default`.
 */
export function gitSourceOp(url: GitUrl): RemoteOp {
  const { remote, protocol, host, path, ref = '', subdir = '', checksum } = url;
  const fragment = `${ref}${subdir === '' ? '' : `:${subdir}`}`;
  return {
    identifier: `git://${host}/${path}${fragment === '' ? '' : `#${fragment}`}`,
    attrs: {
      'git.fullurl': remote,
      'git.authheadersecret': 'GIT_AUTH_HEADER',
      'git.authtokensecret': 'GIT_AUTH_TOKEN',
      ...(protocol === 'ssh' ? { 'git.mountsshsock': 'default' } : {}),
      ...(url.keepGitDir ? { 'git.keepgitdir': 'true' } : {}),
      ...(url.submodules === false ? { 'git.skipsubmodules': 'true' } : {}),
      ...(checksum === undefined ? {} : { 'git.checksum': checksum }),
      ...(url.mtime === 'commit' ? { 'git.mtime': 'commit' } : {}),
      ...(url.fetchByCommit ? { 'git.fetchbycommit': 'true' } : {}),
    },
  };
}

export interface HttpFileOptions {
  /** Name of the one file in the tree; absent: what the server or the URL say. */
  readonly filename?: string;
  /** `sha256:…`: refused when it is something else. */
  readonly checksum?: string;
  /** Id of the secret that holds the Authorization header; absent: `HTTP_AUTH_HEADER_<host>` and `HTTP_AUTH_TOKEN_<host>` are tried. */
  readonly authHeaderSecret?: string;
}

/** The source op of a file of the web: it gives a tree with this one file in it. */
export function httpSourceOp(url: string, options: HttpFileOptions = {}): RemoteOp {
  return {
    identifier: url,
    attrs: {
      ...(options.filename === undefined ? {} : { 'http.filename': options.filename }),
      ...(options.checksum === undefined ? {} : { 'http.checksum': options.checksum }),
      ...(options.authHeaderSecret === undefined ? {} : { 'http.authheadersecret': options.authHeaderSecret }),
    },
  };
}

/** The name that a download of a URL has: the last part of its path, without the query. */
export function fileNameOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const path = decodePart(new URL(url).pathname);
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  return name === '' || name === '.' || name === '..' || name.includes('\0') ? undefined : name;
}
