import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baseCacheDir } from './bases.ts';
import { readAptSources } from './debian.ts';
import { exec, tryExec } from './exec.ts';
import { withFileLock } from './file-lock.ts';
import { makeAtomically } from './layout-writer.ts';
import { missingNeeds } from './machine.ts';

/** Programs of a docker that is newer than the machine's own, in a folder of their own. */
export interface DockerPrograms {
  /** Folder with `dockerd`, `docker`, `containerd` and its shim. */
  readonly bin: string;
  /** Folder with the client's plug-ins. */
  readonly plugins: string;
}

/** Debian's releases from the newest on: the first whose programs run here is taken. */
const SUITES = ['sid', 'trixie'];

/** runc is the machine's own: it is the one that needs the newest libraries, and BuildKit asks nothing new of it. */
const PACKAGES = ['docker.io', 'docker-cli', 'docker-buildx', 'containerd'];

const NEEDS = ['root', 'apt-get', 'dpkg-deb', 'runc', 'setpriv'];

/**
 * The newest docker that Debian has and this machine can run, with buildx: its BuildKit knows what the docker of a stable release is
 * too old for. It is fetched once, by apt and from the machine's own mirror, and never installed. `undefined` where that cannot be.
 */
export async function findNewestDocker(): Promise<DockerPrograms | undefined> {
  if (missingNeeds(NEEDS).length > 0) return undefined;
  for (const suite of SUITES) {
    const folder = join(baseCacheDir(), `docker-${suite}`);
    try {
      if (!existsSync(folder)) {
        await withFileLock(`${folder}.lock`, async () => {
          if (!existsSync(folder)) await makeAtomically(folder, (partial) => fetchDocker(suite, partial));
        });
      }
      const programs = { bin: join(folder, 'bin'), plugins: join(folder, 'plugins') };
      if ((await tryExec(join(programs.bin, 'dockerd'), ['--version'])).code === 0) return programs;
    } catch {
      // A mirror without this release, or no network: the next one may do.
    }
  }
  return undefined;
}

async function fetchDocker(suite: string, folder: string): Promise<void> {
  const apt = join(folder, 'apt');
  for (const path of ['lists/partial', 'cache/archives/partial', 'debs'])
    mkdirSync(join(apt, path), { recursive: true });
  const mirror = (await readAptSources()).find(({ component }) => component === 'main');
  if (mirror === undefined) throw new Error('apt has no source of packages');
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(join(apt, 'sources.list'), `deb [signed-by=${keyring}] ${mirror.uri} ${suite} main\n`);
  const options = [
    `Dir::Etc::SourceList=${join(apt, 'sources.list')}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${join(apt, 'lists')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await exec('apt-get', [...options, 'update']);
  const debs = join(apt, 'debs');
  await exec('apt-get', [...options, 'download', ...PACKAGES], { cwd: debs });
  const root = join(folder, 'root');
  for (const deb of readdirSync(debs)) await exec('dpkg-deb', ['-x', join(debs, deb), root]);
  rmSync(apt, { recursive: true });
  const bin = join(folder, 'bin');
  const plugins = join(folder, 'plugins');
  mkdirSync(bin);
  mkdirSync(plugins);
  for (const from of ['usr/bin', 'usr/sbin'])
    for (const name of readdirSync(join(root, from))) symlinkSync(join('..', 'root', from, name), join(bin, name));
  symlinkSync('../root/usr/libexec/docker/cli-plugins/docker-buildx', join(plugins, 'docker-buildx'));
}
