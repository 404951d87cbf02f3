import { lstatSync, realpathSync } from 'node:fs';
import { errorMessage } from '../errors.ts';
import type { ProcessDevice, ProcessMount } from '../runtime/executor.ts';
import { deviceUnusable } from './errors.ts';
import type { Device } from './registry.ts';
import type { ContainerEdits, MountEdit, NodeEdit, PreparedDevices } from './types.ts';

/** More nodes no container gets; the machine with most devices has some dozens. */
const MAX_NODES = 1024;

/** Where nothing else is said, as runc has it. */
const DEFAULT_MODE = 0o666;

/** What these options ask for is so anyway. */
const USUAL_OPTIONS = /^(rw|r?bind|r?private|r?slave|suid|dev|exec|relatime)$/;
const RESTRICTIONS = ['nosuid', 'nodev', 'noexec'] as const;

/** The edits of devices, in their order: those of a specification once, before those of its first device. Throws `DEVICE_UNUSABLE`. */
export function prepareEdits(devices: readonly Device[]): PreparedDevices {
  const env = new Map<string, string>();
  const nodes = new Map<string, ProcessDevice>();
  const mounts = new Map<string, ProcessMount>();
  const groups = new Set<number>();
  const specs = new Set<unknown>();
  for (const device of devices) {
    const { spec } = device;
    const lists = specs.has(spec) ? [device.device.edits] : [spec.edits, device.device.edits];
    specs.add(spec);
    for (const edits of lists) {
      checkSupported(device, edits);
      // What comes later by the same name stands in place of the earlier.
      for (const entry of edits.env) env.set(entry.slice(0, entry.indexOf('=')), entry);
      for (const node of edits.nodes) nodes.set(node.path, completeNode(device, node));
      for (const mount of edits.mounts) mounts.set(mount.containerPath, toMount(device, mount));
      for (const group of edits.groups) groups.add(group);
    }
    if (nodes.size > MAX_NODES) throw unusable(device, `with it the step has more than ${MAX_NODES} device nodes`);
  }
  return { env: [...env.values()], nodes: [...nodes.values()], mounts: [...mounts.values()], groups: [...groups] };
}

function checkSupported(device: Device, { unsupported }: ContainerEdits): void {
  const [first] = unsupported;
  if (first === 'hooks')
    throw unusable(device, 'it has hooks, programs that a runtime would start on this machine as root');
  if (first !== undefined) throw unusable(device, `its ${first} cannot be given to a step`);
}

function completeNode(device: Device, node: NodeEdit): ProcessDevice {
  const { path, hostPath = path, mode = DEFAULT_MODE, permissions, uid, gid } = node;
  const type = node.type === 'u' ? 'c' : node.type;
  const owner = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  const common = { target: path, hostPath, mode, permissions, ...owner };
  // A major of 0 is how its absence reads.
  if (type !== undefined && (node.major !== 0 || type === 'p'))
    return { ...common, type, major: node.major, minor: node.minor };
  const found = readNode(device, hostPath);
  if (type !== undefined && type !== found.type)
    throw unusable(device, `${hostPath} is of type ${found.type}, and it says ${type}`);
  return { ...common, ...found };
}

function readNode(device: Device, path: string): Pick<ProcessDevice, 'type' | 'major' | 'minor'> {
  try {
    const stat = lstatSync(path);
    // As the kernel packs them: twelve bits of the major number in the middle of the twenty of the minor.
    const major = (stat.rdev >>> 8) & 0xfff;
    const minor = (stat.rdev & 0xff) | ((stat.rdev >>> 12) & 0xfff00);
    if (stat.isFIFO()) return { type: 'p', major: 0, minor: 0 };
    if (stat.isBlockDevice()) return { type: 'b', major, minor };
    if (stat.isCharacterDevice()) return { type: 'c', major, minor };
  } catch (error) {
    throw unusable(device, errorMessage(error));
  }
  throw unusable(device, `${path} is not a device`);
}

function toMount(device: Device, { hostPath, containerPath, type, options }: MountEdit): ProcessMount {
  if (!/^(|none|r?bind)$/.test(type)) throw unusable(device, `it mounts a file system of type ${type}`);
  const odd = options.find((option) => option !== 'ro' && !USUAL_OPTIONS.test(option) && !isRestriction(option));
  if (odd !== undefined) throw unusable(device, `the mount option ${JSON.stringify(odd)} is not known`);
  try {
    return {
      type: 'host',
      target: containerPath,
      path: realpathSync(hostPath),
      readonly: options.includes('ro'),
      restrict: RESTRICTIONS.filter((option) => options.includes(option)),
    };
  } catch (error) {
    throw unusable(device, errorMessage(error));
  }
}

function isRestriction(option: string): boolean {
  return RESTRICTIONS.some((known) => known === option);
}

function unusable({ name, spec }: Device, why: string): Error {
  return deviceUnusable(name, why, spec.path);
}
