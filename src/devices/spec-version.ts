import { SpecError } from './errors.ts';
import type { DeviceSpec } from './types.ts';

/** The released versions that are still read, oldest first. */
const VERSIONS = ['0.3.0', '0.4.0', '0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0', '1.1.0'];

/** A specification names one of the versions, and uses nothing that is newer. Throws a `SpecError`. */
export function checkVersion(given: string, spec: DeviceSpec): void {
  const version = given.replace(/^v/, '');
  const needed = neededVersion(spec);
  if (!VERSIONS.includes(version)) throw new SpecError(`its cdiVersion ${JSON.stringify(given)} is not known`);
  if (VERSIONS.indexOf(version) < VERSIONS.indexOf(needed))
    throw new SpecError(`its cdiVersion is ${version}, and it uses what came with ${needed}`);
}

function neededVersion({ kind, annotations, edits, devices }: DeviceSpec): string {
  const all = [edits, ...devices.map((device) => device.edits)];
  const uses = (name: string): boolean => all.some(({ unsupported }) => unsupported.includes(name));
  if (uses('netDevices')) return '1.1.0';
  if (uses('intelRdt') || all.some(({ groups }) => groups.length > 0)) return '0.7.0';
  if (annotations.size > 0 || devices.some((device) => device.annotations.size > 0) || /\/.*\./.test(kind))
    return '0.6.0';
  if (devices.some(({ name }) => /^\d/.test(name)) || all.some(({ nodes }) => nodes.some(({ hostPath }) => hostPath)))
    return '0.5.0';
  return all.some(({ mounts }) => mounts.some(({ type }) => type)) ? '0.4.0' : '0.3.0';
}
