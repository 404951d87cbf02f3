import type { AnnotationSpec } from '../build-types.ts';
import { type Descriptor, encodeJson, formatPlatform, type Index, MediaType, type Platform } from '../oci/index.ts';
import type { AssembledImage, ExportContext } from './types.ts';

/** What is to be said in each of the places around an image. */
export type Annotations = Readonly<Record<AnnotationSpec['on'], Readonly<Record<string, string>> | undefined>>;

/** Sorts annotations by their places, later ones over earlier; those for other platforms are left out. `undefined` for none. */
export function gatherAnnotations(specs: readonly AnnotationSpec[], platform: Platform): Annotations | undefined {
  const of = (on: AnnotationSpec['on']): Record<string, string> | undefined => {
    const fitting = specs.filter((spec) => spec.on === on && isFor(spec, platform));
    if (fitting.length === 0) return undefined;
    const values = new Map(fitting.map(({ key, value }) => [key, value]));
    return Object.fromEntries([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const annotations: Annotations = {
    manifest: of('manifest'),
    'manifest-descriptor': of('manifest-descriptor'),
    index: of('index'),
    'index-descriptor': of('index-descriptor'),
  };
  return Object.values(annotations).some((values) => values !== undefined) ? annotations : undefined;
}

function isFor(spec: AnnotationSpec, platform: Platform): boolean {
  return spec.platform === undefined || formatPlatform(spec.platform) === formatPlatform(platform);
}

/**
 * The image's manifest, in an index where annotations speak of one: BuildKit makes such an index for one platform only beside
 * attestations. A descriptor's annotations come with the descriptor, for whatever lists it.
 */
export async function makeManifest(
  image: AssembledImage,
  annotations: Annotations | undefined,
  context: Pick<ExportContext, 'images' | 'content' | 'onTask' | 'signal'>,
  options: Pick<NonNullable<Parameters<ExportContext['images']['packImage']>[1]>, 'compression'> = {},
): Promise<Descriptor> {
  const { images, content, onTask, signal } = context;
  const { manifest, index } = annotations ?? {};
  const packed = await images.packImage(image.descriptor, {
    ...options,
    listed: image.listed,
    ...(onTask === undefined ? {} : { onTask }),
    ...(signal === undefined ? {} : { signal }),
    ...(manifest === undefined ? {} : { annotations: manifest }),
  });
  const descriptor = addAnnotations(packed, annotations?.['manifest-descriptor']);
  const indexDescriptor = annotations?.['index-descriptor'];
  if (index === undefined && indexDescriptor === undefined) return descriptor;
  const made: Index = {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: [{ ...descriptor, platform: image.platform }],
    ...(index === undefined ? {} : { annotations: index }),
  };
  return addAnnotations(await content.put(MediaType.ociIndex, encodeJson(made)), indexDescriptor);
}

function addAnnotations(descriptor: Descriptor, annotations: Readonly<Record<string, string>> | undefined): Descriptor {
  return annotations === undefined ? descriptor : { ...descriptor, annotations };
}
