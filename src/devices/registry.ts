import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../errors.ts';
import { readSpecFile } from './spec-file.ts';
import type { DeviceSpec, SpecDevice } from './types.ts';

/** Where the specifications of a machine lie; the later count more. */
const DIRECTORIES = ['/etc/cdi', '/var/run/cdi', '/etc/buildkit/cdi'];

/** More files are not looked at. */
const MAX_FILES = 1000;

/** As in BuildKit: a name that no device has may be the class of several. */
const CLASS = 'org.mobyproject.buildkit.device.class';
const AUTO_ALLOW = 'org.mobyproject.buildkit.device.autoallow';

/** A device of this machine. */
export interface Device {
  /** `vendor.com/class=name`. */
  readonly name: string;
  readonly device: SpecDevice;
  readonly spec: DeviceSpec;
}

/** The devices that the specifications of this machine describe. */
export interface DeviceRegistry {
  readonly directories: readonly string[];
  /** In the order of their names. */
  readonly devices: readonly Device[];
  /** Files that are no specification, and devices that two files describe: path and reason. */
  readonly faults: readonly string[];
}

/** The directories can be given in `TSBUILD_CDI_DIRS`, with colons between. */
export async function readRegistry(env: NodeJS.ProcessEnv): Promise<DeviceRegistry> {
  const directories = env.TSBUILD_CDI_DIRS?.split(':').filter(Boolean) ?? DIRECTORIES;
  const known = new Map<string, Device>();
  const faults: string[] = [];
  for (const directory of directories) {
    const { devices, faults: found } = await readDirectory(directory);
    for (const [name, device] of devices) known.set(name, device);
    faults.push(...found);
  }
  const devices = [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { directories, devices, faults };
}

async function readDirectory(directory: string): Promise<{ devices: Map<string, Device>; faults: string[] }> {
  const devices = new Map<string, Device>();
  const faults: string[] = [];
  const twice = new Set<string>();
  for (const path of listFiles(directory, faults)) {
    try {
      const spec = await readSpecFile(path);
      for (const device of spec.devices) {
        const name = `${spec.kind}=${device.name}`;
        const other = devices.get(name);
        if (other !== undefined) {
          twice.add(name);
          faults.push(`${other.spec.path} and ${path} both describe ${name}`);
        }
        devices.set(name, { name, device, spec });
      }
    } catch (error) {
      faults.push(`${path}: ${errorMessage(error)}`);
    }
  }
  // Which of them is meant cannot be told.
  for (const name of twice) devices.delete(name);
  return { devices, faults };
}

function listFiles(directory: string, faults: string[]): string[] {
  try {
    const names = readdirSync(directory).filter((name) => /\.(json|yaml)$/.test(name));
    return names
      .sort()
      .slice(0, MAX_FILES)
      .map((name) => join(directory, name));
  } catch (error) {
    // Most machines have none.
    if (errorCode(error) !== 'ENOENT') faults.push(`${directory}: ${errorMessage(error)}`);
    return [];
  }
}

/**
 * What a step may mean: `vendor/class=name`, `vendor/class` (the first of the kind), `vendor/class=*` (all of the kind), or else the
 * value of a class annotation.
 */
export function findDevices({ devices }: DeviceRegistry, wanted: string): readonly Device[] {
  const [kind = '', ...rest] = wanted.split('=');
  const name = rest.join('=');
  const ofKind = /^[^/]+\/./.test(kind) ? devices.filter(({ spec }) => spec.kind === kind) : [];
  if (name === '*' && ofKind.length > 0) return ofKind;
  const named = name === '' ? ofKind.slice(0, 1) : ofKind.filter(({ device }) => device.name === name);
  return named.length > 0 ? named : devices.filter((device) => annotationOf(device, CLASS) === wanted);
}

/** Whether the specification itself allows its use by every build. */
export function isAutoAllowed(device: Device): boolean {
  return /^(1|t|T|true|TRUE|True)$/.test(annotationOf(device, AUTO_ALLOW) ?? '');
}

function annotationOf({ device, spec }: Device, name: string): string | undefined {
  return device.annotations.get(name) ?? spec.annotations.get(name);
}
