import type { ContainerConfig, Digest, HealthConfig, HistoryEntry, ImageConfig } from '../oci/index.ts';
import type { BuiltTree } from './types.ts';

/** The config of a built image, its fields in the order in which docker and BuildKit write them: equal images, equal bytes. */
export function makeImageConfig(
  built: BuiltTree,
  diffIDs: readonly Digest[],
  history: readonly HistoryEntry[],
  created: string | undefined,
  cache?: string,
): ImageConfig {
  const { platform, author } = built;
  return {
    architecture: platform.architecture,
    ...(author ? { author } : {}),
    config: orderContainerConfig(built.config),
    ...(created === undefined ? {} : { created }),
    history,
    // Where BuildKit's importer looks (cache/remotecache/import.go).
    ...(cache === undefined ? {} : { 'moby.buildkit.cache.v0': cache }),
    os: platform.os,
    ...(platform['os.version'] ? { 'os.version': platform['os.version'] } : {}),
    rootfs: { type: 'layers', diff_ids: diffIDs },
    ...(platform.variant ? { variant: platform.variant } : {}),
  };
}

const FIELDS = [
  ...(['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal'] as const),
  ...(['ArgsEscaped', 'Healthcheck', 'OnBuild', 'Shell'] as const),
] satisfies readonly (keyof ContainerConfig)[];

const HEALTH_FIELDS = [
  ...(['Test', 'Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const),
] satisfies readonly (keyof HealthConfig)[];

function orderContainerConfig(config: ContainerConfig): ContainerConfig {
  const health = config.Healthcheck;
  return pick({ ...config, ...(health ? { Healthcheck: pick(health, HEALTH_FIELDS) } : {}) }, FIELDS);
}

/** The fields that say something, in this order; maps with their keys sorted, as Go writes them. */
function pick<T extends object>(from: T, fields: readonly (keyof T)[]): T {
  const result: Partial<T> = {};
  for (const field of fields) {
    const value = from[field];
    if (!isEmpty(value)) result[field] = sortKeys(value);
  }
  return result as T;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Of a map of strings or of empty objects; the order of anything else means something. */
function sortKeys<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const isMap = Object.values(value).every((item) => typeof item === 'string' || isEmpty(item));
  if (!isMap) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) as V;
}
