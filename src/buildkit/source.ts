import type { SourceOp } from '../llb/ops.ts';
import { chainIDs, type Digest, digestOf, hostPlatform } from '../oci/index.ts';
import { goJson, recordDigest } from './form.ts';
import type { BuildKitKey, BuildKitKeysDependencies } from './types.ts';

/**
 * A source: an image by the digest that its name was resolved to, with the platform, and by its layers (source/containerimage/pull.go,
 * CacheKey). All others count by what is read of them. A directory of the user's has no key that lasts longer than a session; those of
 * downloads and repositories hold what only the server said, and their content tells as much.
 */
export async function sourceKey(
  op: SourceOp,
  layersOf: BuildKitKeysDependencies['layersOf'],
  signal: AbortSignal,
): Promise<BuildKitKey> {
  const reference = /^(?:docker-image|oci-layout):\/\/.*@(sha256:[0-9a-f]{64})$/.exec(op.identifier);
  if (reference?.[1] === undefined) return { outputs: [], deps: [] };
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

function sourceRecord(key: Digest): Digest {
  return recordDigest(digestOf(`buildkit.source.v0:${key}`), 0);
}
