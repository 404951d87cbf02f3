import { errorMessage, TsbuildError } from '../../errors.ts';
import { redactUrl } from '../../remote-url/index.ts';
import type { GitTree } from './git-op.ts';

export function notARepository(identifier: string): TsbuildError {
  return new TsbuildError('GIT_URL_INVALID', `${redactUrl(identifier)} is not the URL of a git repository`);
}

export function gitMissing(): TsbuildError {
  return new TsbuildError('GIT_MISSING', 'git is not installed, and fetches what this build reads', {
    hint: 'install the package git (for ssh:// also openssh-client)',
  });
}

export function authorityUnreadable(path: string, cause: unknown): TsbuildError {
  return new TsbuildError('GIT_TLS', `cannot read the certificates of ${path}: ${errorMessage(cause)}`, {
    cause,
    hint: 'the file must be readable and in PEM form',
  });
}

export function gitTimeout(remote: string, seconds: number): TsbuildError {
  return new TsbuildError('GIT_UNREACHABLE', `${redactUrl(remote)}: nothing came for ${seconds} s`, {
    hint: 'check the network and the server, and try again',
    details: { remote: redactUrl(remote) },
  });
}

export function refNotFound({ remote, ref }: GitTree): TsbuildError {
  const shown = redactUrl(remote);
  const what = ref === undefined ? 'no default branch' : `no ref ${JSON.stringify(ref)}`;
  return new TsbuildError('GIT_REF_NOT_FOUND', `${shown} has ${what}`, {
    hint:
      ref !== undefined && /^[0-9a-f]{4,39}$/.test(ref)
        ? 'a commit must be given whole, with all of its 40 digits'
        : `name a branch or a tag (git ls-remote ${shown} lists them), or a whole commit`,
    details: { remote: shown, ...(ref === undefined ? {} : { ref }) },
  });
}

export function commitNotFound(remote: string, commit: string): TsbuildError {
  const shown = redactUrl(remote);
  return new TsbuildError('GIT_REF_NOT_FOUND', `${shown} does not give out the commit ${commit}`, {
    hint: 'check the commit; it must be on a branch or a tag of the repository',
    details: { remote: shown, commit },
  });
}

export function commitMismatch({ remote, ref }: GitTree, expected: string, actual: readonly string[]): TsbuildError {
  const shown = redactUrl(remote);
  const found = actual.join(' or ');
  return new TsbuildError('GIT_CHECKSUM_MISMATCH', `${shown}: ${ref ?? 'HEAD'} is ${found}, expected ${expected}`, {
    hint: 'the ref has moved, or the checksum is for another one: check the change, then correct the checksum',
    details: { remote: shown, expected, actual: found },
  });
}

export function subdirMissing({ remote, subdir }: GitTree, why: string): TsbuildError {
  const shown = redactUrl(remote);
  return new TsbuildError('GIT_SUBDIR_INVALID', `${shown}: the directory ${subdir} ${why}`, {
    hint: 'the part of the URL after #ref: is a directory of the repository',
    details: { remote: shown, subdir },
  });
}

/** A problem that git's words tell, most telling first. */
const PROBLEMS: readonly { readonly said: RegExp; readonly code: string; readonly hint: (host: string) => string }[] = [
  {
    said: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/,
    code: 'GIT_HOST_KEY',
    hint: (host) => `the host key of ${host} is not the one in known_hosts: check that it is the right server`,
  },
  {
    said: /Permission denied \(|Too many authentication failures/,
    code: 'GIT_UNAUTHORIZED',
    hint: () => 'the server takes none of the keys: check --ssh default, and that the key may read the repository',
  },
  {
    said: /Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|returned error: 40[13]/,
    code: 'GIT_UNAUTHORIZED',
    hint: (host) => `check the URL, or give credentials: --secret id=GIT_AUTH_TOKEN.${host},env=…`,
  },
  {
    said: /[Rr]epository .*not found|does not appear to be a git repository|not exported|returned error: 404|access denied or repository/,
    code: 'GIT_NOT_FOUND',
    hint: () => 'check the URL: there is no such repository, or the server hides it from strangers',
  },
  {
    said: /returned error: 30\d|unable to update url base from redirection/,
    code: 'GIT_FAILED',
    hint: () => 'the server redirects: use the address that it redirects to, credentials are sent nowhere else',
  },
  {
    said: /cannot run ssh|ssh: not found/,
    code: 'GIT_MISSING',
    hint: () => 'install the package openssh-client',
  },
  {
    said: /Could not resolve host|Name or service not known|Temporary failure in name resolution/,
    code: 'GIT_UNREACHABLE',
    hint: (host) => `there is no host ${host}: check the spelling and your DNS`,
  },
  {
    said: /[Cc]onnection refused|Failed to connect|unable to connect|timed out|unreachable|Couldn't connect|unexpected disconnect|hung up|early EOF|RPC failed|Connection (?:reset|closed)/,
    code: 'GIT_UNREACHABLE',
    hint: (host) => `check the network, and that ${host} runs a git server`,
  },
  {
    said: /SSL|certificate|gnutls/i,
    code: 'GIT_TLS',
    hint: () => 'if you trust the server, name a file with the certificate of its authority in NODE_EXTRA_CA_CERTS',
  },
  {
    said: /transport '[\w-]+' not allowed/,
    code: 'GIT_TRANSPORT_REFUSED',
    hint: () => 'repositories and submodules are fetched by http, https, ssh and git only',
  },
  {
    said: /No space left|Disk quota exceeded/,
    code: 'STORE_FULL',
    hint: () => 'free some space, or choose a root on a larger disk with --root',
  },
];

/** What git said when it failed, as an error of ours. */
export function gitFailed(
  { remote, host }: Pick<GitTree, 'remote' | 'host'>,
  what: string,
  stderr: string,
): TsbuildError {
  const shown = redactUrl(remote);
  const said = lastWords(stderr);
  const problem = PROBLEMS.find((candidate) => candidate.said.test(stderr));
  return new TsbuildError(problem?.code ?? 'GIT_FAILED', `cannot ${what} ${shown}: ${said || 'git failed'}`, {
    hint: problem?.hint(host) ?? 'check the URL, and try git ls-remote with it',
    details: { remote: shown },
  });
}

/** The line that tells most of what git printed: the first fatal one, cleaned of what a server may put there. */
function lastWords(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim())
    .filter((line) => line !== '');
  const line =
    lines.find((each) => /^(?:remote: )?(?:fatal|error):/i.test(each) && !/Could not read from remote/.test(each)) ??
    lines.find((each) => !each.startsWith('hint:')) ??
    '';
  const text = redactAll(line.replace(/^(?:fatal|error):\s*/i, ''));
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** URLs inside a text, without the credentials that may stand in them. */
function redactAll(text: string): string {
  return text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s/'"]*@/gi, (url) => url.slice(0, url.indexOf('://') + 3));
}
