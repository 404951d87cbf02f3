import { errorMessage, TsbuildError } from '../../errors.ts';
import { type NetworkFailure, statusName } from '../../registry/errors.ts';
import { redactUrl } from '../../remote-url/index.ts';

export function urlInvalid(url: string): TsbuildError {
  return new TsbuildError('URL_INVALID', `${redactUrl(url)} is not a URL`, {
    hint: 'a URL is http(s)://host[:port]/path',
    details: { url: redactUrl(url) },
  });
}

/** The server answered with a status that brings no file. */
export function statusRefused(url: URL, status: number, authorized: boolean): TsbuildError {
  const name = statusName(status);
  const answer = name === undefined ? `${status}` : `${status} ${name}`;
  return new TsbuildError('HTTP_STATUS', `GET ${showUrl(url)}: the server answered ${answer}`, {
    hint: statusHint(url, status, authorized),
    details: { url: showUrl(url), status },
  });
}

export function tooManyRedirects(url: URL, limit: number): TsbuildError {
  return new TsbuildError('HTTP_FAILED', `GET ${showUrl(url)}: more than ${limit} redirects`, {
    hint: 'the server sends us in a circle: check the URL',
    details: { url: showUrl(url) },
  });
}

export function redirectRefused(url: URL, why: string): TsbuildError {
  return new TsbuildError('HTTP_FAILED', `GET ${showUrl(url)}: the redirect is not followed: ${why}`, {
    details: { url: showUrl(url) },
  });
}

/** The connection failed, or broke. */
export function notReached(url: URL, failure: NetworkFailure, cause: unknown): TsbuildError {
  const code = failure.isTls ? 'HTTP_TLS' : 'HTTP_UNREACHABLE';
  return new TsbuildError(code, `GET ${showUrl(url)}: ${failure.what}`, {
    cause,
    hint: failure.hint,
    details: { url: showUrl(url), cause: failure.code },
  });
}

/** Another file than the one that was asked for. */
export function checksumMismatch(url: string, expected: string, actual: string): TsbuildError {
  const shown = redactUrl(url);
  return new TsbuildError('DIGEST_MISMATCH', `${shown} is ${actual}, expected ${expected}`, {
    hint: 'the file has changed, or is not what the checksum is for: check it, then correct the checksum',
    details: { url: shown, expected, actual },
  });
}

export function downloadUnwritable(url: string, cause: unknown): TsbuildError {
  const isFull = /ENOSPC|EDQUOT/.test(errorMessage(cause));
  return new TsbuildError(
    isFull ? 'STORE_FULL' : 'STORE_WRITE_FAILED',
    `cannot keep ${redactUrl(url)}: ${errorMessage(cause)}`,
    { cause, ...(isFull ? { hint: 'free some space, or choose a root on a larger disk with --root' } : {}) },
  );
}

export function secretMissing(url: string, id: string): TsbuildError {
  return new TsbuildError('SECRET_MISSING', `${redactUrl(url)} needs the secret ${id}`, {
    hint: `give it with --secret id=${id},env=… or --secret id=${id},src=…`,
  });
}

/** A URL for messages: credentials stand before the host, signatures in the query. */
function showUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

function statusHint(url: URL, status: number, authorized: boolean): string {
  if (status === 401 || status === 403)
    return authorized
      ? 'the server does not take the credentials that it was sent: check them'
      : `check the URL, or give credentials: --secret id=HTTP_AUTH_TOKEN_${url.hostname},env=…`;
  if (status === 404 || status === 410) return 'check the URL: the server has no such file, or hides it from strangers';
  if (status === 429) return 'the server wants fewer requests: wait and try again';
  return status >= 500 ? 'the server failed: try again later' : 'check the URL';
}
