import {
  type Digest,
  familiarName,
  familiarReference,
  formatReference,
  isDigest,
  parseReference,
  parseTaggedReference,
  type Reference,
} from '../../oci/index.ts';

const DANGLING = '<none>@';

/** The key of an image that has no name. */
export function danglingName(imageID: Digest): string {
  return DANGLING + imageID;
}

export function isDangling(name: string): boolean {
  return name.startsWith(DANGLING);
}

/** A record's name taken apart; `undefined` for a dangling image's. */
export function parseName(name: string): Reference | undefined {
  return isDangling(name) ? undefined : parseReference(name);
}

/** `name@sha256:…`: what a registry's digest for an image is recorded as. */
export function isDigestName(name: string): boolean {
  return !isDangling(name) && name.includes('@');
}

/** The name under which a user's reference is recorded. A digest rules a tag out, as in docker. */
export function recordName(reference: Reference): string {
  const { domain, path, digest } = reference;
  return formatReference(digest === undefined ? reference : { domain, path, digest });
}

/** `app` as `docker.io/library/app:latest`; throws `REFERENCE_INVALID`. */
export function fullName(text: string): string {
  return recordName(parseTaggedReference(text));
}

/** As docker shows a record's name. */
export function showName(name: string): string {
  const reference = parseName(name);
  return reference === undefined ? '<none>:<none>' : familiarReference(reference);
}

/** The repository as docker shows it. */
export function showRepository(name: string): string {
  const reference = parseName(name);
  return reference === undefined ? '<none>' : familiarName(reference);
}

/** `sha256:12ab…`, `12ab…`: the hexadecimal beginning of an image ID; `undefined` for anything else. */
export function idPrefix(text: string): string | undefined {
  if (isDigest(text)) return text.slice(text.indexOf(':') + 1);
  const prefix = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  return /^[0-9a-f]{1,64}$/.test(prefix) ? prefix : undefined;
}
