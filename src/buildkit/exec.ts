import type { ExecMount, ExecOp } from '../llb/ops.ts';
import { digestOf } from '../oci/index.ts';
import { type CacheDirectory, cacheDirectory } from './cache-directory.ts';
import type { DigestContent } from './content.ts';
import { type Form, given, goJson, recordDigest } from './form.ts';
import { compareBytes, outermostPaths, type PartSelection } from './selections.ts';
import type { BuildKitDep, BuildKitKey } from './types.ts';

type Mount<T extends ExecMount['type']> = Extract<ExecMount, { readonly type: T }>;
type TreeMount = Mount<'bind' | 'cache' | 'tmpfs'>;

/** Numbers of solver/pb/ops.proto. */
const NETWORKS = { default: 0, host: 1, none: 2 } as const;
const SHARINGS = { shared: 0, private: 1, locked: 2 } as const;
const MOUNT_TYPES = { bind: 0, secret: 1, ssh: 2, cache: 3, tmpfs: 4 } as const;
const NOTHING = -1;

/** Where a mount's tree comes from: our op's input by its number or nothing, perhaps changed by a step that only BuildKit has. */
interface MountSource {
  readonly input: number;
  readonly directory?: CacheDirectory;
  readonly selector: string;
}

/** One of BuildKit's inputs, and what the mounts say of it. */
interface Input {
  readonly source: MountSource;
  readonly paths: string[];
  byContent: boolean;
}

/** RUN: client/llb/exec.go writes the op, CacheMap of solver/llbsolver/ops/exec.go leaves out what does not count. */
export function execKey(op: ExecOp, digestContent: DigestContent): BuildKitKey {
  const trees = op.mounts.filter(isTree).sort((a, b) => compareBytes(destOf(a), destOf(b)));
  const inputs: Input[] = [];
  const mounts: Form[] = [];
  let outputs = 0;
  for (const mount of trees) {
    const source = sourceOf(mount);
    const output = mount.type === 'bind' && mount.output >= 0 ? outputs++ : NOTHING;
    mounts.push(treeForm(mount, addInput(inputs, mount, source), output));
  }
  const secrets = op.mounts.filter((mount) => mount.type === 'secret');
  mounts.push(...secrets.flatMap(secretForm), ...op.mounts.filter((mount) => mount.type === 'ssh').map(agentForm));
  const digest = digestOf(goJson(execForm(op, mounts, secrets)));
  return {
    outputs: Array.from({ length: outputs }, (_, output) => [recordDigest(digest, output)]),
    deps: inputs.map((input) => toDep(input, digestContent)),
  };
}

function execForm(
  { platform, meta, network, security, devices }: ExecOp,
  mounts: readonly Form[],
  secrets: readonly Mount<'secret'>[],
): Form {
  return {
    Type: 'buildkit.exec.v0',
    Exec: {
      meta: {
        args: meta.args,
        env: given([...meta.env]),
        cwd: given(meta.cwd),
        user: given(meta.user),
        extraHosts: meta.extraHosts?.map(({ host }) => ({ Host: host })),
        hostname: given(meta.hostname ?? ''),
        removeMountStubsRecursive: true,
      },
      // Old versions left all mounts out; the one that every step has still is.
      mounts: mounts.length === 1 ? undefined : mounts,
      network: given(NETWORKS[network]),
      security: security === 'insecure' ? 1 : undefined,
      secretenv: given(secrets.flatMap(secretVariable)),
      cdiDevices: devices?.map(({ name, required }) => ({ name, optional: given(!required) })),
    },
    OS: platform.os,
    Arch: platform.architecture,
    Variant: platform.variant || undefined,
    OSVersion: platform['os.version'] || undefined,
  };
}

function isTree(mount: ExecMount): mount is TreeMount {
  return mount.type === 'bind' || mount.type === 'cache' || mount.type === 'tmpfs';
}

function destOf({ target, written }: { readonly target: string; readonly written?: string }): string {
  return written ?? target;
}

function sourceOf(mount: TreeMount): MountSource {
  if (mount.type === 'tmpfs') return { input: NOTHING, selector: '/' };
  const { input, selector } = mount;
  if (mount.type === 'bind' || selector !== '/') return { input, selector };
  if (!mount.owned) return { input, selector };
  const directory = cacheDirectory(mount, input < 0 ? 'nothing' : 'tree');
  return { input, directory, selector: directory.path };
}

/** The number that the source has for BuildKit, which gives each a number where it first appears. */
function addInput(inputs: Input[], mount: TreeMount, source: MountSource): number {
  const { input, directory, selector } = source;
  if (input < 0 && directory === undefined) return NOTHING;
  let number = inputs.findIndex(
    (known) => known.source.input === input && known.source.directory?.record === directory?.record,
  );
  if (number < 0) number = inputs.push({ source, paths: [], byContent: false }) - 1;
  const known = inputs[number];
  if (known !== undefined) {
    known.paths.push(selector);
    const discards = mount.type !== 'bind' || mount.output < 0;
    // Of several mounts of one input the last decides.
    known.byContent = mount.target !== '/' && (discards || selector === '/');
  }
  return number;
}

function toDep({ source, paths, byContent }: Input, digestContent: DigestContent): BuildKitDep {
  const { input, directory } = source;
  const dep = { input, selector: digestOf(paths.join('\0')) };
  if (directory !== undefined) return { ...dep, ...directoryDep(input, directory, digestContent) };
  if (!byContent) return dep;
  const outermost = outermostPaths(paths);
  const parts = (outermost.includes('/') ? ['/'] : outermost).map(toSelection);
  return { ...dep, contentDigest: (tree, signal) => digestContent(tree, parts, signal) };
}

/** A tree may have a directory of that name, which is then left as it is. */
function directoryDep(
  input: number,
  { record, content, path }: CacheDirectory,
  digestContent: DigestContent,
): Partial<BuildKitDep> {
  if (input < 0) return { fixed: { record, content } };
  return {
    step: record,
    contentDigest: async (tree, signal) => (await digestContent(tree, [toSelection(path)], signal)) ?? content,
  };
}

function toSelection(path: string): PartSelection {
  // All of a tree is told without an eye to links.
  return { path, wildcard: false, followSymlinks: path !== '/', includePatterns: [], excludePatterns: [] };
}

function treeForm(mount: TreeMount, input: number, output: number): Form {
  return {
    input: given(input),
    dest: destOf(mount),
    output: given(output),
    readonly: given(mount.readonly ?? false),
    mountType: given(MOUNT_TYPES[mount.type]),
    TmpfsOpt: mount.type === 'tmpfs' ? { size: given(mount.sizeBytes ?? 0) } : undefined,
    cacheOpt: mount.type === 'cache' ? cacheForm(mount) : undefined,
  };
}

/** Which cache it is does not count, nor who shares it; but for one that is named after its directory both are written down. */
function cacheForm(mount: Mount<'cache'>): Form {
  const { id, sharing } = mount;
  const dest = destOf(mount);
  const isUsual = sharing === 'shared' && (id === dest || id.slice(id.indexOf('/') + 1) === dest);
  return isUsual ? { ID: id, sharing: given(SHARINGS[sharing]) } : {};
}

function secretForm({ id, target, written, required, mode, uid, gid }: Mount<'secret'>): Form[] {
  if (target === undefined) return [];
  const secretOpt = { ID: id, uid: given(uid), gid: given(gid), mode: given(mode), optional: given(!required) };
  return [{ input: NOTHING, dest: written ?? target, mountType: MOUNT_TYPES.secret, secretOpt }];
}

function secretVariable({ id, env, required }: Mount<'secret'>): Form[] {
  return env === undefined ? [] : [{ ID: id, name: env, optional: given(!required) }];
}

function agentForm({ id, target, written, required, mode, uid, gid }: Mount<'ssh'>): Form {
  // The usual agent has no name there.
  const SSHOpt = {
    ID: given(id === 'default' ? '' : id),
    uid: given(uid),
    gid: given(gid),
    mode: given(mode),
    optional: given(!required),
  };
  return { input: NOTHING, dest: written ?? target, mountType: MOUNT_TYPES.ssh, SSHOpt };
}
