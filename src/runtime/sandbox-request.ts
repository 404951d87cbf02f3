import { posix } from 'node:path';
import type { SandboxMount, SandboxRequest } from '../native/index.ts';
import { invalidSpec } from './errors.ts';
import type { ProcessMount, ProcessSpec } from './executor.ts';
import { makeHosts } from './hosts.ts';
import { makeResolvConf } from './resolv-conf.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Docker's name for a build container. */
const DEFAULT_HOSTNAME = 'buildkitsandbox';

/** What the addon is asked to do for a process; throws `INVALID_PROCESS` for what cannot be asked. */
export function toSandboxRequest(spec: ProcessSpec, initPath: string): SandboxRequest {
  checkSpec(spec);
  const hostname = spec.hostname || DEFAULT_HOSTNAME;
  return {
    initPath,
    root: spec.root,
    // Nothing of a step is trusted before its snapshot is committed, which syncs: flushes in between only cost time.
    volatileRoot: true,
    mounts: [...spec.mounts].sort((a, b) => depth(a.target) - depth(b.target)).map(toSandboxMount),
    files: [
      { target: '/etc/resolv.conf', content: makeResolvConf(spec.network) },
      { target: '/etc/hosts', content: makeHosts(hostname, spec.extraHosts) },
    ],
    ...(spec.devices === undefined ? {} : { devices: spec.devices }),
    ...(spec.groups === undefined ? {} : { groups: spec.groups }),
    args: spec.args,
    ...encodeEnvironment(spec),
    confidential: spec.secretEnv !== undefined || spec.mounts.some(({ type }) => type === 'secret'),
    cwd: spec.cwd,
    user: spec.user,
    hostname,
    privateNetwork: spec.network === 'none',
    insecure: spec.insecure,
  };
}

function toSandboxMount(mount: ProcessMount): SandboxMount {
  const target = posix.normalize(mount.target);
  if (mount.type === 'tmpfs') {
    return {
      target,
      ...(mount.sizeBytes === undefined ? {} : { sizeBytes: mount.sizeBytes }),
      ...(mount.mode === undefined ? {} : { mode: mount.mode }),
      ...(mount.readonly === undefined ? {} : { readonly: mount.readonly }),
    };
  }
  if (mount.type === 'secret') {
    const { content, mode, uid, gid } = mount;
    return { target, content: Buffer.from(content.buffer, content.byteOffset, content.byteLength), mode, uid, gid };
  }
  if (mount.type === 'socket' || mount.type === 'host') {
    const tree = { lowers: [], upper: posix.dirname(mount.path) };
    const limits = mount.type === 'host' ? { readonly: mount.readonly, restrict: mount.restrict } : { readonly: false };
    return { target, tree, selector: posix.basename(mount.path), ...limits };
  }
  return { target, tree: mount.tree, selector: mount.selector, readonly: mount.readonly };
}

/** A name is set once: what comes first in a process's environment is what most programs take. */
function encodeEnvironment({ env, secretEnv = [] }: ProcessSpec): Pick<SandboxRequest, 'env' | 'secretEnv'> {
  const secrets = new Map(secretEnv.map(({ name, value }) => [name, value]));
  const plain = env.filter((entry) => !secrets.has(entry.slice(0, entry.indexOf('='))));
  const hasPath = secrets.has('PATH') || plain.some((entry) => entry.startsWith('PATH='));
  return {
    env: hasPath ? plain : [...plain, `PATH=${DEFAULT_PATH}`],
    secretEnv: [...secrets].map(([name, value]) => Buffer.concat([Buffer.from(`${name}=`), value])),
  };
}

function checkSpec(spec: ProcessSpec): void {
  if (spec.args.length === 0) throw invalidSpec('there is no command to run');
  if (!spec.cwd.startsWith('/')) throw invalidSpec(`the working directory "${spec.cwd}" is not an absolute path`);
  for (const { target } of [...spec.mounts, ...(spec.devices ?? [])]) {
    if (!target.startsWith('/')) throw invalidSpec(`the mount target "${target}" is not an absolute path`);
    if (depth(target) === 0) throw invalidSpec('nothing can be mounted over the root');
  }
  for (const { name, value } of spec.secretEnv ?? []) {
    // Nothing of the value is said.
    if (name === '' || /[=\0]/.test(name) || value.includes(0))
      throw invalidSpec(`the secret variable ${JSON.stringify(name)} has a zero byte, or no proper name`);
  }
  const hosts = spec.extraHosts.flatMap(({ host, ip }) => [host, ip]);
  const targets = [...spec.mounts, ...(spec.devices ?? [])].map(({ target }) => target);
  for (const text of [...spec.args, ...spec.env, spec.cwd, spec.user, spec.hostname, ...hosts, ...targets]) {
    // The kernel's strings end there: what follows would be dropped without a word.
    if (text.includes('\0')) throw invalidSpec(`a zero byte in ${JSON.stringify(text)}`);
  }
}

function depth(target: string): number {
  return posix.normalize(target).split('/').filter(Boolean).length;
}
