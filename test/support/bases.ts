import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ContainerConfig } from '../../src/oci/index.ts';
import { bootstrapDebian, debianSuite } from './debian.ts';
import { exec, findCommands } from './exec.ts';
import { withFileLock } from './file-lock.ts';
import { makeAtomically, writeLayout } from './layout-writer.ts';
import { makeTempDir, removeTree } from './temp.ts';

/** The images that tests start FROM. They are made of this machine's own Debian packages: no registry is needed. */
export type BaseName = 'busybox' | 'debian' | 'debian-gcc';

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Recipe {
  /** What the content depends on: an image made of other inputs is made anew. */
  readonly inputs: () => string;
  readonly config: ContainerConfig;
  readonly fill: (root: string) => Promise<void>;
}

const RECIPES: Readonly<Record<BaseName, Recipe>> = {
  busybox: {
    inputs: () => createHash('sha256').update(readFileSync(busyboxPath())).digest('hex'),
    config: { Env: [DEFAULT_PATH], Cmd: ['sh'] },
    fill: fillBusybox,
  },
  debian: {
    inputs: debianSuite,
    config: { Env: [DEFAULT_PATH], Cmd: ['bash'] },
    fill: (root) => bootstrapDebian(root, []),
  },
  'debian-gcc': {
    inputs: debianSuite,
    config: { Env: [DEFAULT_PATH], Cmd: ['bash'] },
    fill: (root) => bootstrapDebian(root, ['gcc', 'libc6-dev']),
  },
};

/** Raised when a recipe below changes, so that older cached images are not used. */
const RECIPE_VERSION = 1;

/** The programs that making each base needs. */
export const BASE_NEEDS: Readonly<Record<BaseName, readonly string[]>> = {
  busybox: ['busybox', 'root'],
  debian: ['debootstrap', 'apt-get', 'root'],
  'debian-gcc': ['debootstrap', 'apt-get', 'root'],
};

/** Where bases are kept between test runs. */
export function baseCacheDir(): string {
  const dir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsbuild-test');
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** An OCI layout of a busybox with its applets, users and the folders of an ordinary image; the tag is `1`. */
export const busyboxBase = (): Promise<string> => baseLayout('busybox');

/** An OCI layout of a minimal Debian of this machine's release, whose apt works from here; the tag is `1`. */
export const debianBase = (): Promise<string> => baseLayout('debian');

/** The path of the OCI layout of a base, made at its first use on this machine. */
export async function baseLayout(name: BaseName): Promise<string> {
  const recipe = RECIPES[name];
  const key = createHash('sha256').update(`${RECIPE_VERSION} ${recipe.inputs()}`).digest('hex').slice(0, 12);
  const layout = join(baseCacheDir(), `${name}-${key}`);
  if (existsSync(layout)) return layout;
  await withFileLock(join(baseCacheDir(), `${name}.lock`), async () => {
    if (existsSync(layout)) return;
    const root = makeTempDir('base');
    try {
      chmodSync(root, 0o755);
      await recipe.fill(root);
      await makeAtomically(layout, (partial) => writeLayout(partial, root, recipe.config, '1'));
    } finally {
      removeTree(root);
    }
  });
  return layout;
}

function busyboxPath(): string {
  const path = findCommands('busybox')[0];
  if (path === undefined) throw new Error('busybox is not installed');
  return path;
}

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1000:Application:/home/app:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
`;

const GROUP = `root:x:0:
daemon:x:1:
staff:x:50:app
app:x:1000:
extra:x:2000:app,nobody
nogroup:x:65534:
`;

async function fillBusybox(root: string): Promise<void> {
  // runc and its relatives make what is missing of these for a RUN; a base that has them all says nothing about that.
  const folders = 'bin dev etc home home/app proc root sys tmp usr usr/bin usr/sbin sbin var var/tmp';
  for (const folder of folders.split(' ')) mkdirSync(join(root, folder), { mode: 0o755 });
  chmodSync(join(root, 'root'), 0o700);
  for (const folder of ['tmp', 'var/tmp']) chmodSync(join(root, folder), 0o1777);
  chownSync(join(root, 'home/app'), 1000, 1000);
  copyFileSync(busyboxPath(), join(root, 'bin/busybox'));
  chmodSync(join(root, 'bin/busybox'), 0o755);
  const { stdout } = await exec(join(root, 'bin/busybox'), ['--list']);
  for (const applet of stdout.split('\n')) {
    if (applet !== '' && applet !== 'busybox') symlinkSync('/bin/busybox', join(root, 'bin', applet));
  }
  writeFileSync(join(root, 'etc/passwd'), PASSWD);
  writeFileSync(join(root, 'etc/group'), GROUP);
  for (const file of ['hosts', 'resolv.conf', 'hostname']) writeFileSync(join(root, 'etc', file), '');
}
