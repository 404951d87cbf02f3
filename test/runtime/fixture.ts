import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RootMount } from '../../src/oci/index.ts';
import { createExecutor, type ExitStatus, type ProcessSpec } from '../../src/runtime/index.ts';
import { exec, findCommands } from '../support/exec.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

export interface RunResult extends ExitStatus {
  readonly stdout: string;
  readonly stderr: string;
  /** The directory that took the writes. */
  readonly upper: string;
}

/** A root file system with busybox, and runs on top of it that each write to a directory of their own. */
export interface ContainerFixture {
  readonly directory: string;
  readonly rootfs: string;
  /** A fresh writable root above `lowers`, topmost first (by default the busybox root). */
  makeRoot(lowers?: readonly string[]): RootMount & { readonly upper: string };
  run(spec: Partial<ProcessSpec> & { readonly args: readonly string[] }, signal?: AbortSignal): Promise<RunResult>;
  /** `run` of a shell script. */
  sh(script: string, spec?: Partial<ProcessSpec>): Promise<RunResult>;
  /** What is in an upper directory, without directories that the busybox root has too (they may be mere copies). */
  changes(upper: string): string[];
  dispose(): void;
}

export async function makeContainerFixture(): Promise<ContainerFixture> {
  // In memory: some disks make thousands of small files slow.
  const directory = makeTempDir('run', existsSync('/dev/shm') ? '/dev/shm' : undefined);
  const rootfs = join(directory, 'rootfs');
  await fillRootfs(rootfs);
  let count = 0;

  const makeRoot = (lowers: readonly string[] = [rootfs]) => {
    const base = join(directory, `run${count++}`);
    const root = { lowers, upper: join(base, 'upper'), work: join(base, 'work') };
    mkdirSync(root.upper, { recursive: true });
    mkdirSync(root.work);
    return root;
  };
  const executor = createExecutor();
  const run: ContainerFixture['run'] = async (spec, signal) => {
    const printed = { 1: [] as Uint8Array[], 2: [] as Uint8Array[] };
    const whole = { ...defaultSpec(spec.root ?? makeRoot()), ...spec };
    const status = await executor.run(whole, {
      ...(signal === undefined ? {} : { signal }),
      onOutput: (stream, chunk) => printed[stream].push(chunk),
    });
    const [stdout, stderr] = [printed[1], printed[2]].map((chunks) => Buffer.concat(chunks).toString());
    return { ...status, stdout: stdout ?? '', stderr: stderr ?? '', upper: whole.root.upper ?? '' };
  };
  return {
    directory,
    rootfs,
    makeRoot,
    run,
    sh: (script, spec = {}) => run({ ...spec, args: ['/bin/sh', '-c', script] }),
    changes: (upper) =>
      listTree(upper).filter((path) => !(isDirectory(join(upper, path)) && isDirectory(join(rootfs, path)))),
    dispose: () => removeTree(directory),
  };
}

export function defaultSpec(root: RootMount): ProcessSpec {
  return {
    root,
    mounts: [],
    args: ['true'],
    env: [],
    cwd: '/',
    user: '',
    hostname: '',
    network: 'host',
    insecure: false,
    extraHosts: [],
  };
}

/** Makes directories and files below `root`; a value that starts with `->` is a symlink. */
export function writeTree(root: string, entries: Readonly<Record<string, string>>): string {
  mkdirSync(root, { recursive: true });
  for (const [path, content] of Object.entries(entries)) {
    const full = join(root, path);
    mkdirSync(join(full, '..'), { recursive: true });
    if (path.endsWith('/')) mkdirSync(full, { recursive: true });
    else if (content.startsWith('->')) symlinkSync(content.slice(2), full);
    else writeFileSync(full, content);
  }
  return root;
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** All paths below a directory, sorted. */
export function listTree(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
}

async function fillRootfs(rootfs: string): Promise<void> {
  const [busybox] = findCommands('busybox');
  if (busybox === undefined) throw new Error('busybox is not installed');
  writeTree(rootfs, {
    'bin/': '',
    'tmp/': '',
    'proc/': '',
    'sys/': '',
    'dev/': '',
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nodd:x:42:42::/nonexistent:\n',
    'etc/group': 'root:x:0:\nwheel:x:10:root\napp:x:1001:\naudio:x:29:app,odd\nvideo:x:44:app\n',
    'etc/hosts': '',
    'etc/resolv.conf': '',
    'home/app/': '',
  });
  chmodSync(join(rootfs, 'tmp'), 0o1777);
  copyFileSync(busybox, join(rootfs, 'bin/busybox'));
  chmodSync(join(rootfs, 'bin/busybox'), 0o755);
  const { stdout } = await exec(busybox, ['--list']);
  for (const applet of stdout.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(rootfs, 'bin', applet));
  }
}
