import { posix } from 'node:path';
import type { SourceOp } from '../../llb/ops.ts';
import { type GitUrl, parseGitUrl, redactUrl, userOf } from '../../remote-url/index.ts';
import { notARepository } from './errors.ts';

/** What a source op asks for: the tree of one commit, or a directory of it. */
export interface GitTree {
  /** As git is called with it: without credentials, which `user` and `password` hold. */
  readonly remote: string;
  readonly protocol: GitUrl['protocol'];
  readonly host: string;
  /** Of `http(s)://user:password@host/…`; percent-decoded. */
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
  /** Branch, tag, full ref or commit; `undefined` is the default branch. */
  readonly ref: string | undefined;
  /** Relative, cleaned; `.` is all of it. */
  readonly subdir: string;
  readonly checksum: string | undefined;
  readonly keepGitDir: boolean;
  readonly submodules: boolean;
  readonly mtime: 'checkout' | 'commit';
  readonly fetchByCommit: boolean;
  readonly authHeaderSecret: string | undefined;
  readonly authTokenSecret: string | undefined;
  /** Id of the agent that ssh asks. */
  readonly sshAgent: string | undefined;
}

/** Throws `GIT_URL_INVALID` for what is no repository. */
export function readGitOp({ identifier, attrs }: SourceOp): GitTree {
  const hash = identifier.indexOf('#');
  const place = hash < 0 ? identifier : identifier.slice(0, hash);
  const fragment = hash < 0 ? '' : identifier.slice(hash);
  const url = parseGitUrl(`${attrs['git.fullurl'] ?? place}${fragment}`);
  if (url === undefined) throw notARepository(identifier);
  const { remote, credentials } = splitCredentials(url);
  return {
    remote,
    protocol: url.protocol,
    host: url.host,
    credentials,
    ref: url.ref,
    subdir: posix.relative('/', posix.resolve('/', url.subdir ?? '')) || '.',
    checksum: attrs['git.checksum']?.toLowerCase(),
    keepGitDir: attrs['git.keepgitdir'] === 'true',
    submodules: attrs['git.skipsubmodules'] !== 'true',
    mtime: attrs['git.mtime'] === 'commit' ? 'commit' : 'checkout',
    fetchByCommit: attrs['git.fetchbycommit'] === 'true',
    authHeaderSecret: attrs['git.authheadersecret'],
    authTokenSecret: attrs['git.authtokensecret'],
    sshAgent: attrs['git.mountsshsock'],
  };
}

/** Whether a text is a whole commit id, of SHA-1 or of SHA-256. */
export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Over ssh the user is part of the address; in a URL of the web it is a credential, and belongs into no list of processes. */
function splitCredentials({ remote, protocol }: GitUrl): Pick<GitTree, 'remote' | 'credentials'> {
  if (protocol !== 'http' && protocol !== 'https') return { remote, credentials: undefined };
  const credentials = userOf(new URL(remote));
  return { remote: credentials === undefined ? remote : redactUrl(remote), credentials };
}
