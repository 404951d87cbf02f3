import type { ConvertRequest, ConvertResult, MetaResolver } from '../../../src/dockerfile/convert/index.ts';
import { dockerfileToLLB } from '../../../src/dockerfile/convert/index.ts';
import type { Op } from '../../../src/llb/index.ts';
import { type ContainerConfig, digestOf, type ImageConfig, MediaType, type Platform } from '../../../src/oci/index.ts';

export const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
export const ARM64: Platform = { os: 'linux', architecture: 'arm64' };

/** Base images as data; what is asked for is recorded. */
export class Bases implements MetaResolver {
  readonly asked: string[] = [];
  readonly #configs: Readonly<Record<string, ContainerConfig>>;

  constructor(configs: Readonly<Record<string, ContainerConfig>> = {}) {
    this.#configs = configs;
  }

  resolveImageConfig: MetaResolver['resolveImageConfig'] = async (reference, platform, { logName }) => {
    this.asked.push(`${logName} (${platform.architecture})`);
    if (reference.includes('missing')) throw Object.assign(new Error('not found'), { code: 'MANIFEST_UNKNOWN' });
    const config: ImageConfig = {
      architecture: platform.architecture,
      os: platform.os,
      rootfs: { type: 'layers', diff_ids: reference.includes('hollow') ? [] : [digestOf(reference)] },
      history: [{ created_by: 'base' }],
      config: this.#configs[reference] ?? { Env: ['PATH=/bin'] },
    };
    const digest = digestOf(`manifest of ${reference}`);
    return { digest, mediaType: MediaType.ociManifest, reference: `${reference}@${digest}`, config };
  };

  resolveLayoutConfig: MetaResolver['resolveLayoutConfig'] = (name, platform, options) =>
    this.resolveImageConfig(name, platform, options);
}

export function convert(source: string, options: Partial<ConvertRequest> = {}): Promise<ConvertResult> {
  return dockerfileToLLB({
    source,
    fileName: 'Dockerfile',
    buildArgs: {},
    targetPlatform: AMD64,
    buildPlatform: AMD64,
    meta: new Bases(),
    ...options,
  });
}

/** Vertex names in order, digests cut off. */
export function listNames(result: ConvertResult): string[] {
  return [...result.definition.metadata.values()].map(({ name }) => name.replace(/@sha256:[0-9a-f]+/, ''));
}

/** The ops in order, as they would be found by name. */
export function findOp<T extends Op['type']>(result: ConvertResult, type: T, name: RegExp): Extract<Op, { type: T }> {
  for (const [digest, op] of result.definition.ops) {
    const title = result.definition.metadata.get(digest)?.name ?? '';
    if (op.type === type && name.test(title)) return op as Extract<Op, { type: T }>;
  }
  throw new Error(`no ${type} op named ${name}: ${listNames(result).join(', ')}`);
}

/** `created_by` of the new entries; `+` in front of those with a layer. */
export function listHistory(result: ConvertResult): string[] {
  return result.image.history
    .filter((entry) => entry.comment !== undefined)
    .map((entry) => `${entry.empty_layer ? '' : '+ '}${entry.created_by}`);
}
