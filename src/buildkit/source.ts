import { posix } from 'node:path';
import type { SourceOp } from '../llb/ops.ts';
import { chainIDs, type Digest, digestOf, hostPlatform } from '../oci/index.ts';
import { goJson, recordDigest } from './form.ts';
import type { BuildKitKey, BuildKitKeysDependencies } from './types.ts';

/** A source that counts by what is read of it. */
const UNKEYED: BuildKitKey = { outputs: [], deps: [] };

/**
 * A source: an image by the digest that its name was resolved to, with the platform, and by its layers (source/containerimage/pull.go,
 * CacheKey); a repository by its commit (source/git/source.go); a download by the checksum that it must have (source/http/source.go).
 * All others count by what is read of them: a directory of the user's has no key that lasts longer than a session, and those of other
 * downloads hold what only the server said.
 */
export async function sourceKey(
  op: SourceOp,
  { layersOf, commitOf }: Pick<BuildKitKeysDependencies, 'layersOf' | 'commitOf'>,
  signal: AbortSignal,
): Promise<BuildKitKey> {
  if (op.identifier.startsWith('git://')) return gitKey(op, commitOf, signal);
  const reference = /^(?:docker-image|oci-layout):\/\/.*@(sha256:[0-9a-f]{64})$/.exec(op.identifier);
  if (reference?.[1] === undefined) return downloadKey(op);
  const platform = op.platform ?? hostPlatform();
  const byManifest = goJson({
    Digest: reference[1],
    OS: platform.os,
    Arch: platform.architecture,
    Variant: platform.variant || undefined,
    OSVersion: platform['os.version'] || undefined,
  });
  const chainID = chainIDs(await layersOf(op, signal)).at(-1);
  const keys = [digestOf(byManifest), ...(chainID === undefined ? [] : [chainID])];
  return { outputs: [keys.map((key) => sourceRecord(key))], deps: [] };
}

function downloadKey({ identifier, attrs }: SourceOp): BuildKitKey {
  const { 'http.filename': filename, 'http.checksum': checksum, ...others } = attrs;
  const isPlain = /^https?:/.test(identifier) && Object.keys(others).length === 0;
  if (!isPlain || filename === undefined || checksum === undefined) return UNKEYED;
  const key = digestOf(goJson({ Filename: filename, Perm: 0, UID: 0, GID: 0, Checksum: checksum }));
  return { outputs: [[sourceRecord(key)]], deps: [] };
}

/**
 * The commit, and what of it is in the tree. Where `.git` is kept the ref is in there too. Attributes that came after BuildKit 0.25 make
 * another tree of it, or fetch it in another way: of these no key is known.
 */
async function gitKey(
  op: SourceOp,
  commitOf: BuildKitKeysDependencies['commitOf'],
  signal: AbortSignal,
): Promise<BuildKitKey> {
  const { 'git.keepgitdir': keep, 'git.skipsubmodules': skip, ...others } = op.attrs;
  if (Object.keys(others).some((name) => !GIT_ATTRIBUTES.has(name))) return UNKEYED;
  const found = await commitOf(op, signal);
  if (found === undefined) return UNKEYED;
  const { commit, ref } = found;
  const kept = keep === 'true' ? `.git${ref === undefined ? '' : `#${ref}`}` : '';
  const subdir = posix.resolve('/', subdirOf(op.identifier)).slice(1);
  const part = subdir === '' ? '' : `:${subdir}`;
  const key = `${commit}${kept}${part}${skip === 'true' ? '(skip-submodules)' : ''}`;
  return { outputs: [[sourceRecord(key)]], deps: [] };
}

/** Of `git://<host>/<path>#<ref>:<subdir>`, as it was written. */
function subdirOf(identifier: string): string {
  return /^[^#]*#[^:]*:(.*)$/s.exec(identifier)?.[1] ?? '';
}

/** Those that decide about no key: where it is, how to get in, and that it has to be this commit. */
const GIT_ATTRIBUTES: ReadonlySet<string> = new Set([
  'git.fullurl',
  'git.authheadersecret',
  'git.authtokensecret',
  'git.mountsshsock',
  'git.checksum',
]);

function sourceRecord(key: string): Digest {
  return recordDigest(digestOf(`buildkit.source.v0:${key}`), 0);
}
