import { type Digest, isDigest } from './digest.ts';
import { invalidReference } from './errors.ts';

/** An image reference by the grammar of distribution/reference, normalised as docker does. */
export interface Reference {
  /** Registry host with port, `docker.io` where none was given. */
  readonly domain: string;
  /** Repository path, with `library/` added for Docker Hub's one-part names. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?$`);
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DEFAULT_DOMAIN = 'docker.io';

/** Parses a familiar or full reference without adding a tag; throws `REFERENCE_INVALID`. */
export function parseReference(text: string): Reference {
  if (text === '') throw invalidReference(text, 'it is empty');
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf('@');
  if (at >= 0) {
    const given = rest.slice(at + 1);
    if (!isDigest(given)) throw invalidReference(text, 'the part after @ is not a digest');
    digest = given;
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(':');
  if (colon > rest.lastIndexOf('/')) {
    tag = rest.slice(colon + 1);
    if (!TAG.test(tag)) throw invalidReference(text, `tag ${JSON.stringify(tag)} is not allowed`);
    rest = rest.slice(0, colon);
  }
  let { domain, path } = splitDomain(rest);
  if (!DOMAIN.test(domain)) throw invalidReference(text, `host ${JSON.stringify(domain)} is not allowed`);
  if (domain === DEFAULT_DOMAIN && path !== '' && !path.includes('/')) path = `library/${path}`;
  if (!PATH.test(path)) {
    const lower = PATH.test(path.toLowerCase());
    throw invalidReference(
      text,
      lower ? 'the repository name must be lower case' : 'the repository name is not allowed',
    );
  }
  if (digest === undefined && /^[a-f0-9]{64}$/.test(rest))
    throw invalidReference(text, 'a repository name cannot be 64 hexadecimal digits');
  if (domain.length + path.length + 1 > 255) throw invalidReference(text, 'the name is longer than 255 characters');
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** Parses and adds `:latest` where there is neither tag nor digest. */
export function parseTaggedReference(text: string): Reference {
  const reference = parseReference(text);
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** The full form: `docker.io/library/busybox:1@sha256:…`. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.domain}/${reference.path}${tag}${digest}`;
}

/** The repository as docker shows it: `busybox`, `registry.example/app`. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return `${reference.domain}/${reference.path}`;
  return reference.path.startsWith('library/') ? reference.path.slice('library/'.length) : reference.path;
}

/** The whole reference as docker shows it. */
export function familiarReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${familiarName(reference)}${tag}${digest}`;
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  // The first part is a host when it could not be a path: it has a dot or a port, is localhost, or has capitals.
  const isHost = first !== '' && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (!isHost) return { domain: DEFAULT_DOMAIN, path: name };
  const domain = first === 'index.docker.io' ? DEFAULT_DOMAIN : first;
  return { domain, path: name.slice(slash + 1) };
}
