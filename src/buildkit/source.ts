import type { SourceOp } from '../llb/ops.ts';
import { chainIDs, type Digest, digestOf, hostPlatform } from '../oci/index.ts';
import { goJson, recordDigest } from './form.ts';
import type { BuildKitKey, BuildKitKeysDependencies } from './types.ts';

/**
 * A source: an image by the digest that its name was resolved to, with the platform, and by its layers (source/containerimage/pull.go,
 * CacheKey); a download by the checksum that it must have (source/http/source.go). All others count by what is read of them: a directory
 * of the user's has no key that lasts longer than a session, and those of other downloads and of repositories hold what only the server said.
 */
export async function sourceKey(
  op: SourceOp,
  layersOf: BuildKitKeysDependencies['layersOf'],
  signal: AbortSignal,
): Promise<BuildKitKey> {
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
  if (!isPlain || filename === undefined || checksum === undefined) return { outputs: [], deps: [] };
  const key = digestOf(goJson({ Filename: filename, Perm: 0, UID: 0, GID: 0, Checksum: checksum }));
  return { outputs: [[sourceRecord(key)]], deps: [] };
}

function sourceRecord(key: Digest): Digest {
  return recordDigest(digestOf(`buildkit.source.v0:${key}`), 0);
}
