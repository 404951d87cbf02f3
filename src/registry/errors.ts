import { errorCode, errorMessage, TsbuildError } from '../errors.ts';

/** What a registry answered, as far as an error needs it. */
export interface Refusal {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** What would have been no refusal. */
  readonly expected: readonly number[];
  /** From the body's `errors[]` (distribution-spec, error codes). */
  readonly errors: readonly RegistryErrorEntry[];
  /** The start of a body that was no error list. */
  readonly text: string;
}

export interface RegistryErrorEntry {
  readonly code: string;
  readonly message: string;
}

/** What was asked, for hints. */
export interface RefusalContext {
  readonly domain: string;
  readonly path: string;
  /** `tag or digest`, where one was asked for. */
  readonly reference?: string;
  /** Where credentials were looked for. */
  readonly places: readonly string[];
  /** A credential was sent. */
  readonly authenticated: boolean;
  /** The code of a 404 that does not say what is missing. */
  readonly notFoundCode?: string;
}

/** Text from a registry: no control characters, no flood. */
function cleanText(text: string, maxLength = 300): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}

/** A URL for messages: without user, password and query, where upload states and signatures are. */
function redactUrl(url: URL | string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** A registry's refusal as an error with a code of ours and a hint. */
export function refused(refusal: Refusal, context: RefusalContext): TsbuildError {
  const { method, status, errors } = refusal;
  const url = redactUrl(refusal.url);
  const said = errors.map(({ code, message }) => cleanText(message === '' ? code : `${code}: ${message}`)).join('; ');
  const why = said || cleanText(refusal.text);
  const code = refusalCode(refusal, context);
  const hint = refusalHint(code, status, context);
  // Other codes say what is wrong.
  const expected = code === 'REGISTRY_FAILED' ? `, expected ${refusal.expected.join(' or ')}` : '';
  return new TsbuildError(
    code,
    `${method} ${url}: ${status} ${statusName(status) ?? 'unexpected status'}${expected}${why === '' ? '' : ` (${why})`}`,
    {
      ...(hint === undefined ? {} : { hint }),
      details: {
        method,
        url,
        status,
        ...(errors.length === 0 ? {} : { registryCodes: cleanText(errors.map((entry) => entry.code).join(',')) }),
      },
    },
  );
}

const PASSED_THROUGH = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'TAG_INVALID',
  'UNSUPPORTED',
]);

function refusalCode({ status, errors, text }: Refusal, { notFoundCode }: RefusalContext): string {
  const codes = errors.map((entry) => entry.code);
  if (status === 429 || codes.includes('TOOMANYREQUESTS')) return 'REGISTRY_RATE_LIMITED';
  // GitHub's secondary limit comes as 403.
  if (status === 403 && /rate limit/i.test(`${text} ${errors.map((entry) => entry.message).join(' ')}`))
    return 'REGISTRY_RATE_LIMITED';
  if (status === 403 || codes.includes('DENIED')) return 'REGISTRY_DENIED';
  if (status === 401) return 'REGISTRY_UNAUTHORIZED';
  if (codes.includes('DIGEST_INVALID')) return 'DIGEST_MISMATCH';
  const known = codes.find((code) => PASSED_THROUGH.has(code));
  if (known !== undefined) return known;
  if (status === 404 && notFoundCode !== undefined) return notFoundCode;
  return 'REGISTRY_FAILED';
}

function refusalHint(code: string, status: number, context: RefusalContext): string | undefined {
  const { domain, path, places, authenticated } = context;
  const server = domain === 'docker.io' ? '' : ` ${domain}`;
  const looked = places.length === 0 ? '' : `; credentials were looked for in ${places.join(', ')}`;
  switch (code) {
    case 'REGISTRY_UNAUTHORIZED':
      return authenticated
        ? `check the name ${path} and that your account has access to it, or log in again with "docker login${server}"`
        : `check the name, or log in with "docker login${server}"${looked}`;
    case 'REGISTRY_DENIED':
      return authenticated
        ? `check the name, and that your account has access to ${domain}/${path}`
        : `check the name, or log in with "docker login${server}"${looked}`;
    case 'REGISTRY_RATE_LIMITED':
      return authenticated
        ? 'wait and try again, or use a mirror'
        : `wait and try again; logged in ("docker login${server}") the limit is often higher`;
    case 'NAME_UNKNOWN':
      return `check the name: ${domain} has no repository ${path}, or hides it from strangers`;
    case 'MANIFEST_UNKNOWN':
      return `${domain}/${path} has no ${context.reference ?? 'such image'}: check the tag or digest`;
    case 'MANIFEST_BLOB_UNKNOWN':
      return 'the registry lost a part of the image or never had it: push again';
    case 'DIGEST_MISMATCH':
      return 'the registry received other bytes than were sent: push again';
    default:
      return status >= 500
        ? `${domain} itself failed: try again later, and if it stays, tell whoever runs it`
        : undefined;
  }
}

/** The registry could not be reached, or the conversation broke. The cause's code decides the hint. */
export function unreachable(method: string, url: URL | string, cause: unknown): TsbuildError {
  const shown = redactUrl(url);
  const { isTls, what, hint, code } = explainFailure(cause, new URL(shown).host, 'registry');
  return new TsbuildError(isTls ? 'REGISTRY_TLS' : 'REGISTRY_UNREACHABLE', `${method} ${shown}: ${what}`, {
    cause,
    hint,
    details: { method, url: shown, cause: code },
  });
}

/** Why a conversation with a host broke off, in words. */
export interface NetworkFailure {
  readonly isTls: boolean;
  readonly what: string;
  readonly hint: string;
  /** Of the system, of undici or of OpenSSL; may be empty. */
  readonly code: string;
}

/** `server`: what stands at the other end. */
export function explainFailure(cause: unknown, host: string, server: 'registry' | 'server'): NetworkFailure {
  const code = causeCode(cause);
  const tls = tlsProblem(code, cause);
  if (tls !== undefined) return { isTls: true, what: tls.what, hint: tls.hint(host, server), code };
  const hint = NETWORK_HINTS[code]?.(host, server) ?? 'check the connection and try again';
  return { isTls: false, what: networkProblem(code, cause), hint, code };
}

export function tooManyRedirects(method: string, url: URL): TsbuildError {
  return failed(method, url, 'too many redirects');
}

export function redirectRefused(method: string, url: URL, why: string): TsbuildError {
  return failed(method, url, `the redirect is not followed: ${why}`);
}

/** The registry answered something that the specification does not allow. */
export function failed(method: string, url: URL | string, what: string, cause?: unknown): TsbuildError {
  const shown = redactUrl(url);
  return new TsbuildError('REGISTRY_FAILED', `${method} ${shown}: ${what}`, { cause, details: { method, url: shown } });
}

export function uploadFailed(url: URL | string, digest: string, what: string, cause?: unknown): TsbuildError {
  const shown = redactUrl(url);
  return new TsbuildError('BLOB_UPLOAD_FAILED', `cannot upload ${digest} to ${shown}: ${what}`, {
    cause,
    hint: 'try again; if it stays, the registry or a proxy before it may limit the size of a request',
    details: { url: shown, digest },
  });
}

export function manifestTooOld(reference: string, mediaType: string): TsbuildError {
  return new TsbuildError(
    'MANIFEST_UNSUPPORTED',
    `${reference} is of the type ${cleanText(mediaType)}, expected an OCI or Docker schema 2 image`,
    {
      hint: 'images of schema 1 must be pushed again by a docker newer than 1.10',
      details: { reference, mediaType: cleanText(mediaType) },
    },
  );
}

interface TlsProblem {
  readonly what: string;
  readonly hint: (host: string, server: 'registry' | 'server') => string;
}

const trustHint = (host: string): string =>
  `if you trust it, put the certificate of its authority into /etc/docker/certs.d/${host}/ca.crt, or name a file of certificates in NODE_EXTRA_CA_CERTS`;

function tlsProblem(code: string, cause: unknown): TlsProblem | undefined {
  if (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    /wrong version number/.test(errorMessage(cause))
  )
    return {
      what: 'the server gave an HTTP response to an HTTPS client',
      hint: (host, server) =>
        server === 'registry'
          ? `if the registry really is without TLS, add ${host} to TSBUILD_INSECURE_REGISTRIES`
          : 'if the server really is without TLS, begin the URL with http://',
    };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      what: `the certificate is for another host (${errorMessage(cause)})`,
      hint: () => 'use the name that the certificate is for',
    };
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return {
      what: 'the certificate is not valid today',
      hint: () => "check this machine's clock; else the registry must renew its certificate",
    };
  if (
    /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(?:_LOCALLY)?)|CERT_.*)$/.test(
      code,
    )
  )
    return { what: `the certificate was signed by an unknown authority (${code})`, hint: trustHint };
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO')
    return { what: `TLS failed (${errorMessage(cause)})`, hint: trustHint };
  return undefined;
}

const NETWORK_HINTS: Readonly<Record<string, (host: string, server: string) => string>> = {
  ECONNREFUSED: (host, server) => `nothing listens on ${host}: check host and port, and that the ${server} runs`,
  ENOTFOUND: (host) => `there is no host ${host}: check the spelling and your DNS`,
  EAI_AGAIN: () => 'the name server did not answer: check your network',
  UND_ERR_CONNECT_TIMEOUT: () => 'check firewall and proxy (HTTPS_PROXY, NO_PROXY)',
  ETIMEDOUT: () => 'check firewall and proxy (HTTPS_PROXY, NO_PROXY)',
};

function networkProblem(code: string, cause: unknown): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ENOTFOUND':
      return 'no such host';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
    case 'EPIPE':
      return 'the server closed the connection';
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'the server did not answer in time';
    case 'UND_ERR_BODY_TIMEOUT':
      return 'the server stopped sending';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'no connection in time';
    default:
      return cleanText(errorMessage(cause)) || code;
  }
}

/** The code of an error or of the first thing that it was caused by. */
export function causeCode(error: unknown): string {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    const code = errorCode(at);
    if (code !== undefined && !(at instanceof TsbuildError)) return code;
    at = (at as { cause?: unknown }).cause;
  }
  return errorCode(error) ?? '';
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Content Too Large',
  416: 'Range Not Satisfiable',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** What a status is called; `undefined` for one that is rare. */
export function statusName(status: number): string | undefined {
  return STATUS_NAMES[status];
}

export function invalidTag(tag: string): TsbuildError {
  return new TsbuildError('REFERENCE_INVALID', `not a tag: ${JSON.stringify(cleanText(tag, 140))}`, {
    hint: 'a tag has up to 128 letters, digits, dots, dashes and underscores, and begins with a letter, a digit or an underscore',
  });
}
