import type { DeviceRequest } from '../llb/ops.ts';
import { suggest } from '../suggest.ts';
import { prepareEdits } from './edits.ts';
import { deviceMissing, devicesForbidden } from './errors.ts';
import { readGrants } from './grants.ts';
import { type Device, type DeviceRegistry, findDevices, isAutoAllowed, readRegistry } from './registry.ts';
import type { Devices } from './types.ts';

/**
 * The devices of one build. The machine's specifications are read when a step first asks for one. Throws `ENTITLEMENT_INVALID`.
 */
export function createDevices(allow: readonly string[], env: NodeJS.ProcessEnv = process.env): Devices {
  const grants = readGrants(allow);
  let reading: Promise<DeviceRegistry> | undefined;
  const readOnce = (): Promise<DeviceRegistry> => {
    reading ??= readRegistry(env);
    return reading;
  };

  /** By BuildKit's rules (solver/llbsolver, ValidateEntitlements): an alias is allowed by being one. */
  const resolve = async (wanted: readonly DeviceRequest[]): Promise<Device[]> => {
    const registry = await readOnce();
    const find = (requests: readonly DeviceRequest[]): Device[] => requests.flatMap((one) => findWanted(registry, one));
    if (grants.all) return unique(find(wanted));
    const renamed = wanted.flatMap(({ name, required }) => {
      const goal = grants.aliases.get(name);
      return goal === undefined ? [] : [{ name: goal, required }];
    });
    const others = unique(find(wanted.filter(({ name }) => !grants.aliases.has(name))));
    const granted = others.length === 0 ? [] : find(grants.names.map((name) => ({ name, required: true })));
    const forbidden = others.filter((device) => !granted.includes(device) && !isAutoAllowed(device));
    if (forbidden.length > 0) throw devicesForbidden(forbidden.map(({ name }) => name));
    return unique([...find(renamed), ...others]);
  };

  return {
    async check(wanted) {
      // Who allows all is told what is missing by the step that runs.
      if (!grants.all) await resolve(wanted);
    },
    prepare: async (wanted) => prepareEdits(await resolve(wanted)),
  };
}

function findWanted(registry: DeviceRegistry, { name, required }: DeviceRequest): readonly Device[] {
  const found = findDevices(registry, name);
  if (found.length === 0 && required) throw deviceMissing(name, describeMissing(registry, name));
  return found;
}

function describeMissing({ devices, directories, faults }: DeviceRegistry, name: string): string {
  const near = suggest(
    name,
    devices.map((device) => device.name),
  );
  if (near !== undefined) return `did you mean ${near}?`;
  const [fault] = faults;
  return fault ?? `CDI specifications, *.json and *.yaml, are looked for in ${directories.join(', ')}`;
}

function unique(devices: readonly Device[]): Device[] {
  return [...new Set(devices)];
}
