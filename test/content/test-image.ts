import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { ContentStore } from '../../src/content/index.ts';
import { type Descriptor, encodeJson, MediaType, type Platform } from '../../src/oci/index.ts';

export interface TestImage {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Puts an image into a store whose layers are gzip of random bytes: whoever only moves images looks no deeper. */
export async function putImage(
  content: ContentStore,
  options: { readonly layers?: readonly Buffer[]; readonly platform?: Platform } = {},
): Promise<TestImage> {
  const layers: Descriptor[] = [];
  for (const bytes of options.layers ?? [randomBytes(300_000), randomBytes(5_000)])
    layers.push(await content.put(MediaType.ociLayerGzip, gzipSync(bytes, { level: 1 })));
  const platform = options.platform ?? { os: 'linux', architecture: 'amd64' };
  const config = await content.put(
    MediaType.ociConfig,
    encodeJson({ ...platform, rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } }),
  );
  const manifest = await content.put(
    MediaType.ociManifest,
    encodeJson({ schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers }),
  );
  return { manifest: { ...manifest, platform }, config, layers };
}

export async function putIndex(content: ContentStore, manifests: readonly Descriptor[]): Promise<Descriptor> {
  return content.put(MediaType.ociIndex, encodeJson({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }));
}
