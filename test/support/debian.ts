import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from './exec.ts';

/** One source of Debian packages, as the machine's own apt is configured. */
interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly component: string;
}

/** The code name of the Debian or Ubuntu release that this machine runs, such as `bookworm`. */
export function debianSuite(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const suite = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1];
  if (suite === undefined) throw new Error('/etc/os-release names no VERSION_CODENAME: not a Debian or Ubuntu machine');
  return suite;
}

/** Reads apt's own sources of the running release: no mirror is written down in this project. */
export async function readAptSources(): Promise<AptSource[]> {
  const { stdout } = await exec('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI) $(RELEASE) $(COMPONENT)',
    'Created-By: Packages',
  ]);
  const suite = debianSuite();
  const sources: AptSource[] = [];
  for (const line of stdout.split('\n')) {
    const [uri, release, component] = line.split(' ');
    if (uri === undefined || release === undefined || component === undefined) continue;
    if (release === suite || release.startsWith(`${suite}-`)) sources.push({ uri, suite: release, component });
  }
  return sources;
}

/**
 * Makes a minimal Debian root file system in `root` by debootstrap, of the machine's own release and mirror, whose apt
 * is configured as the machine's own.
 */
export async function bootstrapDebian(root: string, include: readonly string[]): Promise<void> {
  const sources = await readAptSources();
  const suite = debianSuite();
  const mirror = sources.find((source) => source.suite === suite && source.component === 'main');
  if (mirror === undefined) throw new Error(`apt has no source for ${suite} main`);
  const secure = sources.some((source) => source.uri.startsWith('https:'));
  const packages = [...include, ...(secure ? ['ca-certificates'] : [])];
  await exec('debootstrap', [
    '--variant=minbase',
    ...(packages.length > 0 ? [`--include=${packages.join(',')}`] : []),
    suite,
    root,
    mirror.uri,
  ]);
  await configureApt(root, sources, secure);
  for (const path of ['var/cache/apt/archives', 'var/lib/apt/lists', 'var/log']) {
    await exec('find', [join(root, path), '-type', 'f', '-delete']);
  }
}

async function configureApt(root: string, sources: readonly AptSource[], secure: boolean): Promise<void> {
  const lines = new Set(sources.map((source) => `deb ${source.uri} ${source.suite} ${source.component}\n`));
  writeFileSync(join(root, 'etc/apt/sources.list'), [...lines].join(''));
  const { stdout } = await exec('apt-config', ['dump']);
  const settings = stdout.split('\n').filter((line) => /^Acquire::(https?|ftp)::/i.test(line));
  mkdirSync(join(root, 'etc/apt/apt.conf.d'), { recursive: true });
  writeFileSync(join(root, 'etc/apt/apt.conf.d/99machine'), `${settings.join('\n')}\n`);
  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  if (secure && existsSync(bundle)) writeFileSync(join(root, bundle), readFileSync(bundle));
}
