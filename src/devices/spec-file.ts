import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { SpecError } from './errors.ts';
import { Fields } from './fields.ts';
import { checkVersion } from './spec-version.ts';
import type { ContainerEdits, DeviceSpec, MountEdit, NodeEdit, NodeType, SpecDevice } from './types.ts';

/** Specifications of real devices have some kilobytes. */
const MAX_BYTES = 1 << 20;

/** Those have six. */
const MAX_DEPTH = 50;

const NAME = /^[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const DEVICE_NAME = /^[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;
const EDITS = ['env', 'deviceNodes', 'mounts', 'hooks', 'additionalGids', 'intelRdt', 'netDevices'];
const UNSUPPORTED = ['hooks', 'intelRdt', 'netDevices'];
const NODE = ['path', 'hostPath', 'type', 'major', 'minor', 'fileMode', 'permissions', 'uid', 'gid'];
const NODE_TYPES: readonly NodeType[] = ['b', 'c', 'u', 'p'];

/**
 * Reads a specification of the Container Device Interface (tags.cncf.io/container-device-interface), JSON or YAML by its name.
 * Throws a `SpecError`, or the system's.
 */
export async function readSpecFile(path: string): Promise<DeviceSpec> {
  const spec = new Fields(await parseFile(path), '', [
    'cdiVersion',
    'kind',
    'annotations',
    'devices',
    'containerEdits',
  ]);
  const kind = spec.text('kind');
  const [vendor = '', ...rest] = kind.split('/');
  if (!NAME.test(vendor) || rest.length !== 1 || !NAME.test(rest[0] ?? ''))
    throw new SpecError(`its kind ${JSON.stringify(kind)} is not vendor/class`);
  const devices = spec.list('devices', readDevice);
  if (devices.length === 0) throw new SpecError('it has no devices');
  if (new Set(devices.map(({ name }) => name)).size < devices.length) throw new SpecError('two devices have one name');
  const edits = readEdits(spec.get('containerEdits') ?? {}, 'containerEdits');
  const read = { path, kind, annotations: spec.map('annotations'), edits, devices };
  checkVersion(spec.text('cdiVersion'), read);
  return read;
}

async function parseFile(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    if (path.endsWith('.json')) return JSON.parse(text);
    return await parseYaml(text);
  } catch (error) {
    throw new SpecError(String(error instanceof Error ? error.message : error).split('\n')[0]);
  }
}

/** As the reference implementation, which takes YAML 1.1: `0666` is an octal number. */
async function parseYaml(text: string): Promise<unknown> {
  checkDepth(text);
  const { parseDocument, visit } = await import('yaml');
  // Its own look for keys that are there twice compares each with each.
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, stringKeys: true, logLevel: 'error' });
  for (const error of document.errors) throw error;
  visit(document, {
    Map(_, { items }) {
      if (new Set(items.map(({ key }) => String(key))).size < items.length)
        throw new SpecError('a mapping has two fields of one name');
    },
  });
  return document.toJS({ maxAliasCount: 100 });
}

/**
 * A parser of YAML calls itself for what is nested, and where the stack ends in the wrong place the process does. So what is far deeper
 * than any specification is refused by its looks: more brackets open than closed, or what stands before the text of a line.
 */
function checkDepth(text: string): void {
  let open = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === '[' || bracket === '{' ? 1 : -1;
    if (open > MAX_DEPTH) break;
  }
  if (open > MAX_DEPTH || new RegExp(`^[ \\t?:-]{${4 * MAX_DEPTH}}`, 'm').test(text))
    throw new SpecError(`it is nested more than ${MAX_DEPTH} deep`);
}

async function readText(path: string): Promise<string> {
  // A pipe by that name must not make us wait.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new SpecError('it is not a file');
    if (stat.size > MAX_BYTES) throw new SpecError(`it has more than ${MAX_BYTES} bytes`);
    const room = Buffer.alloc(stat.size);
    const { bytesRead } = await file.read(room, 0, room.length, 0);
    return room.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function readDevice(value: unknown, place: string): SpecDevice {
  const device = new Fields(value, place, ['name', 'annotations', 'containerEdits']);
  const name = device.text('name');
  if (!DEVICE_NAME.test(name)) throw new SpecError(`${place}.name ${JSON.stringify(name)} is not a name of a device`);
  const edits = readEdits(device.get('containerEdits') ?? {}, `${place}.containerEdits`);
  if (Object.values(edits).every((list) => list.length === 0)) throw new SpecError(`${place} does nothing`);
  return { name, annotations: device.map('annotations'), edits };
}

function readEdits(value: unknown, place: string): ContainerEdits {
  const edits = new Fields(value, place, EDITS);
  const env = edits.texts('env');
  const wrong = env.find((entry) => entry.indexOf('=') <= 0);
  if (wrong !== undefined) throw new SpecError(`${place}.env has ${JSON.stringify(wrong)}, which is not NAME=value`);
  return {
    env,
    nodes: edits.list('deviceNodes', readNode),
    mounts: edits.list('mounts', readMount),
    groups: edits.list('additionalGids', readGroup).filter((group) => group !== 0),
    unsupported: UNSUPPORTED.filter((key) => edits.has(key)),
  };
}

function readGroup(value: unknown, place: string): number {
  return new Fields({ group: value }, place, ['group']).number('group') ?? 0;
}

function readNode(value: unknown, place: string): NodeEdit {
  const node = new Fields(value, place, NODE);
  const path = node.text('path');
  if (path === '') throw new SpecError(`${place} has no path`);
  const type = NODE_TYPES.find((known) => known === node.text('type'));
  if (type === undefined && node.has('type'))
    throw new SpecError(`${place}.type is not one of ${NODE_TYPES.join(', ')}`);
  const permissions = node.text('permissions') || 'rwm';
  if (permissions !== 'none' && !/^[rwm]+$/.test(permissions))
    throw new SpecError(`${place}.permissions has other letters than r, w and m`);
  const [mode, uid, gid] = [node.number('fileMode'), node.number('uid'), node.number('gid')];
  return {
    path: posix.resolve('/', path),
    ...(node.has('hostPath') ? { hostPath: node.text('hostPath') } : {}),
    ...(type === undefined ? {} : { type }),
    major: node.number('major') ?? 0,
    minor: node.number('minor') ?? 0,
    permissions: permissions === 'none' ? '' : permissions,
    ...(mode === undefined ? {} : { mode: mode & 0o7777 }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function readMount(value: unknown, place: string): MountEdit {
  const mount = new Fields(value, place, ['hostPath', 'containerPath', 'options', 'type']);
  const [hostPath, containerPath] = [mount.text('hostPath'), mount.text('containerPath')];
  if (hostPath === '' || containerPath === '') throw new SpecError(`${place} needs a hostPath and a containerPath`);
  return {
    hostPath,
    containerPath: posix.resolve('/', containerPath),
    type: mount.text('type'),
    options: mount.texts('options'),
  };
}
