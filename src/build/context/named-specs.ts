import { resolve } from 'node:path';
import type { BuildRequest } from '../../build-types.ts';
import { RESERVED_CONTEXTS } from '../../dockerfile/convert/index.ts';
import { errorMessage } from '../../errors.ts';
import { isDigest, parsePlatform, parseReference, parseTaggedReference } from '../../oci/index.ts';
import { contextInvalid } from './errors.ts';
import { directorySpec, isDirectory, type RemoteSpec, remoteSpec } from './specs.ts';

/** What a `--build-context` is. */
export type NamedSpec =
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'image'; readonly reference: string }
  /** `reference`: a tag, a digest, or nothing for the only image. */
  | { readonly type: 'layout'; readonly path: string; readonly reference: string | undefined }
  | { readonly type: 'stage'; readonly name: string }
  | RemoteSpec;

/**
 * Reads the contexts of a request by their names, as BuildKit's client does. A directory has to be there, whether a step needs it or not: a
 * misspelt one would go unnoticed. Throws `CONTEXT_INVALID`, `CONTEXT_UNREADABLE`, `GIT_URL_INVALID`.
 */
export function readNamedSpecs({ buildContexts = {} }: Pick<BuildRequest, 'buildContexts'>): Map<string, NamedSpec> {
  const specs = new Map<string, NamedSpec>();
  for (const [name, value] of Object.entries(buildContexts)) {
    checkName(name, value);
    specs.set(name, readNamedSpec(name, value));
  }
  return specs;
}

/** `name` or `name::platform`; the name is one that FROM and --from can say. */
function checkName(key: string, value: string): void {
  const [name = '', ...platform] = key.split('::');
  if (RESERVED_CONTEXTS.has(name.toLowerCase()))
    throw contextInvalid(key, value, `${name} is a word of the language`, 'give it a name of its own');
  try {
    parseReference(name);
    if (platform.length > 0) parsePlatform(platform.join('::'));
  } catch (error) {
    const hint = 'a name is what FROM or --from says: a stage, an image or a word of lower-case letters';
    throw contextInvalid(key, value, `the name does not serve: ${errorMessage(error)}`, hint);
  }
}

function readNamedSpec(name: string, value: string): NamedSpec {
  if (value === '') throw contextInvalid(name, value, 'there is nothing after the =', KINDS);
  const [, scheme, rest = ''] = /^(docker-image|oci-layout):\/\/(.*)$|^/s.exec(value) ?? [];
  if (scheme === 'docker-image') return imageSpec(name, value, rest);
  if (scheme === 'oci-layout') return layoutSpec(name, value, rest);
  if (value.startsWith('target:')) return stageSpec(name, value);
  if (isDirectory(value)) return { type: 'directory', path: resolve(value) };
  const unknown = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1];
  const remote = remoteSpec(value);
  if (remote === undefined && unknown !== undefined)
    throw contextInvalid(name, value, `nothing is read by ${unknown}://`, KINDS);
  return remote ?? directorySpec(value, `${JSON.stringify(name)} at ${resolve(value)}`, KINDS);
}

const KINDS =
  'it may be a directory, docker-image://<name>, oci-layout://<directory>[:tag], a git or http(s) URL, or target:<stage>';

function imageSpec(name: string, value: string, reference: string): NamedSpec {
  try {
    if (reference !== 'scratch') parseTaggedReference(reference);
  } catch (error) {
    throw contextInvalid(name, value, errorMessage(error), 'write docker-image://<name>[:tag][@digest]');
  }
  return { type: 'image', reference };
}

function layoutSpec(name: string, value: string, place: string): NamedSpec {
  const hint = 'write oci-layout://<directory>[:tag][@digest]';
  const at = place.lastIndexOf('@');
  const digest = at < 0 ? undefined : place.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    throw contextInvalid(name, value, 'the part after @ is not a digest', hint);
  const tagged = at < 0 ? place : place.slice(0, at);
  const [, path = '', tag] = /^(.*?)(?::([\w][\w.-]{0,127}))?$/s.exec(tagged) ?? [];
  if (path === '') throw contextInvalid(name, value, 'it names no directory', hint);
  return { type: 'layout', path: resolve(path), reference: digest ?? tag };
}

function stageSpec(name: string, value: string): NamedSpec {
  const stage = value.slice('target:'.length);
  if (!/^[a-z0-9][a-z0-9_.-]*$/i.test(stage))
    throw contextInvalid(name, value, 'it names no stage', 'write target:<name of a stage of this Dockerfile>');
  return { type: 'stage', name: stage.toLowerCase() };
}
