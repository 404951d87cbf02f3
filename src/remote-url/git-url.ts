import { gitUrlInvalid } from './errors.ts';
import { parseGitOptions } from './git-options.ts';
import { decodePart } from './user.ts';

/** A git repository and what of it is meant, as build contexts and ADD write it. */
export interface GitUrl extends GitOptions {
  /** What git is called with: the URL without query and fragment. May hold credentials. */
  readonly remote: string;
  readonly protocol: 'http' | 'https' | 'ssh' | 'git';
  /** With its port, if one was given. */
  readonly host: string;
  /** On the host, without a `/` in front. */
  readonly path: string;
  /** `github.com/…` without a scheme: could as well be a path. Only a build context may be written so. */
  readonly looksLocal: boolean;
}

/** What the fragment `#ref:subdir` or the query say. */
export interface GitOptions {
  /** Branch, tag, full ref or commit; absent is the default branch. */
  readonly ref?: string;
  /** As written; may begin with `/`. */
  readonly subdir?: string;
  /** Commit, or how it begins, that the ref must lead to. */
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  /** `false`: they stay empty directories. */
  readonly submodules?: boolean;
  /** Times of the files: of the checkout (default), or of the commit. */
  readonly mtime?: 'checkout' | 'commit';
  /** Fetch the commit `checksum` itself, not what the ref leads to. */
  readonly fetchByCommit?: boolean;
}

const PROTOCOLS = new Set(['http', 'https', 'ssh', 'git']);
/** `git@host:path`. The user must be there: `host:path` is a file name. */
const SCP = /^([\w-]+)@([A-Za-z0-9.-]+):([^#?]*)(?:\?([^#]*))?(?:#(.*))?$/;
const URL_PARTS = /^([A-Za-z0-9]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;

/**
 * Reads the URL of a git repository by BuildKit's rules: `git://`, `ssh://`, `git@host:path`, `http(s)://….git`, `github.com/…`.
 * `undefined` for everything else. Throws `GIT_URL_INVALID` for a repository with options that mean nothing.
 */
export function parseGitUrl(text: string): GitUrl | undefined {
  const parts = splitGitUrl(text);
  if (parts === undefined) return undefined;
  const { query, fragment, ...place } = parts;
  // What a program could take for an option.
  if (place.host.startsWith('-') || /^(?:\w+:\/\/)?-/.test(place.remote))
    throw gitUrlInvalid(text, 'the host begins with a dash');
  return { ...place, ...parseGitOptions(text, query, fragment) };
}

/** Whether a text names a git repository, even one with wrong options. */
export function isGitUrl(text: string): boolean {
  return splitGitUrl(text) !== undefined;
}

/** Whether a text begins like a URL of the web. Those of git repositories do too: ask `isGitUrl` first. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text);
}

type GitPlace = Pick<GitUrl, 'remote' | 'protocol' | 'host' | 'path' | 'looksLocal'>;

function splitGitUrl(text: string): (GitPlace & { readonly query: string; readonly fragment: string }) | undefined {
  // Whitespace and control characters are in no URL, and no argument of a program that we start.
  if (/[\s\p{Cc}]/u.test(text) || text.startsWith('./') || text.startsWith('../')) return undefined;
  const looksLocal = text.startsWith('github.com/');
  const url = URL_PARTS.exec(looksLocal ? `https://${text}` : text);
  if (url === null) return splitScp(text);
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = url;
  const protocol = scheme.toLowerCase();
  if (!isProtocol(protocol) || authority === '') return undefined;
  if ((protocol === 'http' || protocol === 'https') && !looksLocal && !path.endsWith('.git')) return undefined;
  return {
    remote: `${protocol}://${authority}${path}`,
    protocol,
    host: authority.slice(authority.lastIndexOf('@') + 1),
    path: path.replace(/^\//, ''),
    looksLocal,
    query,
    fragment: decodePart(fragment),
  };
}

function splitScp(text: string): (GitPlace & { readonly query: string; readonly fragment: string }) | undefined {
  const match = SCP.exec(text);
  if (match === null) return undefined;
  const [, user = '', host = '', path = '', query = '', fragment = ''] = match;
  return { remote: `${user}@${host}:${path}`, protocol: 'ssh', host, path, looksLocal: false, query, fragment };
}

function isProtocol(word: string): word is GitUrl['protocol'] {
  return PROTOCOLS.has(word);
}
