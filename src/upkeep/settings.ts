import { readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, errorMessage } from '../errors.ts';
import { parseBytes } from '../quantities.ts';
import { suggest } from '../suggest.ts';
import { settingInvalid, settingsUnreadable } from './errors.ts';
import { parseUntil } from './filters.ts';
import type { SpaceLimits } from './plan.ts';

/** What is collected without being asked. */
export interface CollectionSettings extends Required<SpaceLimits> {
  readonly enabled: boolean;
  /** What nobody has used for so long goes, however much room there is. */
  readonly keepDurationMs: number;
}

/** The same as BuildKit's (cmd/buildkitd/config/gcpolicy_unix.go, GC policy of its documentation). */
const RESERVED = { share: 0.1, bytes: 10e9 };
const MIN_FREE_SHARE = 0.2;
const MAX_USED = { share: 0.8, bytes: 100e9 };
const KEEP_DURATION_MS = 60 * 24 * 3_600_000;

/** What can be fetched again at little cost goes earlier, and once there is more of it than this. */
export const EPHEMERAL = {
  types: ['source.local', 'source.git.checkout', 'exec.cachemount'],
  keepDurationMs: 48 * 3_600_000,
  maxUsedSpace: 512e6,
} as const;

type Key = 'maxUsedSpace' | 'minFreeSpace' | 'reservedSpace' | 'keepDuration' | 'enabled';

const VARIABLES: Readonly<Record<Key, string>> = {
  enabled: 'TSBUILD_GC',
  maxUsedSpace: 'TSBUILD_MAX_USED_SPACE',
  minFreeSpace: 'TSBUILD_MIN_FREE_SPACE',
  reservedSpace: 'TSBUILD_RESERVED_SPACE',
  keepDuration: 'TSBUILD_KEEP_DURATION',
};

/**
 * The environment's, else those of `gc` in `<root>/config.json` (`{"gc": {"enabled": true, "maxUsedSpace": "20GB", "minFreeSpace": "10%",
 * "reservedSpace": "5GB", "keepDuration": "720h"}}`), else BuildKit's defaults, which depend on the disk. Throws `SETTING_INVALID`.
 */
export function readSettings(root: string, env: NodeJS.ProcessEnv = process.env): CollectionSettings {
  const file = readConfigFile(root);
  const find = (key: Key): { readonly name: string; readonly value: string } | undefined => {
    const name = VARIABLES[key];
    const value = env[name];
    if (value !== undefined && value !== '') return { name, value };
    const given = file[key];
    return given === undefined
      ? undefined
      : { name: `config.json: gc.${key}`, value: typeof given === 'string' ? given : JSON.stringify(given) };
  };
  const disk = readDisk(root).totalBytes;
  const space = (key: Key, fallback: number): number => {
    const found = find(key);
    return found === undefined ? fallback : parseSpace(found.name, found.value, disk);
  };
  const enabled = find('enabled');
  if (enabled !== undefined && !/^(?:on|off|true|false|1|0)$/.test(enabled.value))
    throw settingInvalid(enabled.name, enabled.value, 'it is neither on nor off', 'write on or off');
  const duration = find('keepDuration');
  const maxUsedSpace = space('maxUsedSpace', Math.min(MAX_USED.share * disk, MAX_USED.bytes));
  return {
    enabled: enabled === undefined || /^(?:on|true|1)$/.test(enabled.value),
    maxUsedSpace,
    minFreeSpace: space('minFreeSpace', MIN_FREE_SHARE * disk),
    // A reserve that nobody asked for is not above a limit that somebody did.
    reservedSpace: space('reservedSpace', Math.min(RESERVED.share * disk, RESERVED.bytes, maxUsedSpace)),
    keepDurationMs:
      duration === undefined ? KEEP_DURATION_MS : parseUntil(`${duration.name}=${duration.value}`, duration.value),
  };
}

/** `10GB`, `512MiB`, `1000`: units of 1024, as docker has them; `20%`: of the disk. Throws `SETTING_INVALID`. */
export function parseSpace(name: string, text: string, diskBytes: number): number {
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (share !== null) return Math.floor((Number(share[1]) / 100) * diskBytes);
  const bytes = parseBytes(text);
  if (bytes === undefined) throw settingInvalid(name, text, 'it is no size');
  return bytes;
}

/** The disk that a store lies on, or will: `freeBytes` are those of ordinary users. */
export function readDisk(path: string): { readonly totalBytes: number; readonly freeBytes: number } {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, blocks, bsize } = statfsSync(at);
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || dirname(at) === at) throw error;
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readConfigFile(root: string): Partial<Record<Key, unknown>> {
  const path = join(root, 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    throw settingsUnreadable(path, errorMessage(error));
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw settingsUnreadable(path, errorMessage(error));
  }
  const gc = isObject(config) ? (config.gc ?? {}) : undefined;
  if (!isObject(gc)) throw settingsUnreadable(path, 'it is no object with an object gc');
  const keys = Object.keys(VARIABLES);
  for (const key of Object.keys(gc)) {
    if (keys.includes(key)) continue;
    const near = suggest(key, keys);
    throw settingInvalid(
      `config.json: gc.${key}`,
      JSON.stringify(gc[key]),
      'there is no such setting',
      near === undefined ? `settings are ${keys.join(', ')}` : `did you mean ${near}?`,
    );
  }
  return gc;
}
