import { fields, flag, list, map, nullable, number, optional, type Shape, text } from '../shapes.ts';
import { type Digest, digestOf } from './digest.ts';
import { invalidManifest } from './errors.ts';

/** OCI image-spec config.md, with Docker's extensions (Healthcheck, OnBuild, Shell) that every builder writes. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly author?: string;
  /** RFC 3339. */
  readonly created?: string;
  readonly config?: ContainerConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
  /** BuildKit's inline cache, base64. */
  readonly 'moby.buildkit.cache.v0'?: string;
}

export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly ArgsEscaped?: boolean;
  readonly Healthcheck?: HealthConfig | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[];
}

/** Durations are nanoseconds. */
export interface HealthConfig {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

const texts = list(text);
/** Go takes null for what is not there. */
const FIELDS: Readonly<Record<string, Shape>> = {
  architecture: text,
  os: text,
  variant: text,
  'os.version': text,
  author: text,
  created: text,
  config: map(() => true),
  history: list(
    fields({
      created: optional(nullable(text)),
      created_by: optional(nullable(text)),
      author: optional(nullable(text)),
      comment: optional(nullable(text)),
      empty_layer: optional(nullable(flag)),
    }),
  ),
  'moby.buildkit.cache.v0': text,
};
const CONTAINER_FIELDS: Readonly<Record<string, Shape>> = {
  User: text,
  ExposedPorts: map(() => true),
  Env: texts,
  Entrypoint: texts,
  Cmd: texts,
  Volumes: map(() => true),
  WorkingDir: text,
  Labels: map(text),
  StopSignal: text,
  ArgsEscaped: flag,
  Healthcheck: fields({
    Test: optional(nullable(texts)),
    Interval: optional(nullable(number)),
    Timeout: optional(nullable(number)),
    StartPeriod: optional(nullable(number)),
    StartInterval: optional(nullable(number)),
    Retries: optional(nullable(number)),
  }),
  OnBuild: texts,
  Shell: texts,
};

function checkFields(value: object, shapes: Readonly<Record<string, Shape>>, where: string): void {
  for (const [name, field] of Object.entries(value)) {
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    if (shape !== undefined && field !== null && !shape(field))
      throw invalidManifest(where, `${name} is of another type than it should be`);
  }
}

/** Parses a config from hostile bytes; throws `MANIFEST_INVALID`. */
export function parseImageConfig(content: Uint8Array, where: string): ImageConfig {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content).toString('utf8'));
  } catch (error) {
    throw invalidManifest(where, `config is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof value !== 'object' || value === null) throw invalidManifest(where, 'config is not a JSON object');
  const config = value as ImageConfig;
  if (!Array.isArray(config.rootfs?.diff_ids)) throw invalidManifest(where, 'config has no rootfs.diff_ids');
  if (!texts(config.rootfs.diff_ids))
    throw invalidManifest(where, 'rootfs.diff_ids is of another type than it should be');
  checkFields(value, FIELDS, where);
  checkFields(config.config ?? {}, CONTAINER_FIELDS, `${where}: config`);
  return config;
}

/** The chainID of each layer, bottom first (image-spec config.md#layer-chainid). */
export function chainIDs(diffIDs: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffID of diffIDs) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffID : digestOf(`${parent} ${diffID}`));
  }
  return chain;
}
