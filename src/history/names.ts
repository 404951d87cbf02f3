import { basename, dirname, relative } from 'node:path';
import type { BuildRequest } from '../build-types.ts';
import { canonicalJson } from '../llb/index.ts';
import { type Digest, digestOf, formatPlatform } from '../oci/index.ts';
import { redactUrl } from '../remote-url/index.ts';

/**
 * What a build is called (buildx util/buildflags names it alike: `app`, `app/Dockerfile.test`, `app (target)`), and which builds are runs of
 * the same. `context` is its directory, where it has one.
 */
export function nameBuild(
  request: Pick<BuildRequest, 'context' | 'contextStream' | 'target' | 'platform'>,
  context: string | undefined,
  dockerfile: string,
  path?: string,
  platform: string | undefined = request.platform && formatPlatform(request.platform),
): { readonly name: string; readonly project: Digest } {
  const { contextStream, target } = request;
  const place = context ?? (contextStream === undefined ? redactUrl(request.context) : '-');
  const inside = context !== undefined && path !== undefined ? relative(context, path) : dockerfile;
  // A Dockerfile outside of the context is called after its own directory.
  const isOutside = path !== undefined && inside.startsWith('../');
  const file = isOutside ? basename(path) : inside;
  const home = isOutside ? dirname(path) : context;
  const base = home === undefined ? place : basename(home) || home;
  const parts = [
    base,
    ...(file === 'Dockerfile' ? [] : [`/${file}`]),
    ...(target === undefined ? [] : [` (${target})`]),
  ];
  return {
    name: parts.join(''),
    project: digestOf(canonicalJson([place, path ?? dockerfile, target ?? null, platform ?? null])),
  };
}
