import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BaseName } from '../support/bases.ts';

/** `buildkit` is the newest docker that can be had (support/newest-docker.ts), `docker` the machine's own. */
export type PeerName = 'buildkit' | 'docker' | 'buildah';

/** `fixtures/build/<name>/case.json`; every field may be left out. */
interface CaseFile {
  /** What the case shows, where its name does not say it. */
  readonly why?: string;
  /** The builders whose result counts, the best judge first. None: the result is held against `expected.json` beside. */
  readonly peers?: readonly PeerName[];
  readonly bases?: readonly BaseName[];
  /** Images built first, each from the folder `dir` of the case; the Dockerfile gets the name as the build argument `arg`. */
  readonly before?: readonly { readonly dir: string; readonly arg: string }[];
  /** Default `Dockerfile`. */
  readonly dockerfile?: string;
  readonly target?: string;
  readonly platform?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Further flags, the same for all builders; `{context}` is the path of the prepared context. */
  readonly flags?: readonly string[];
  /** The Dockerfile gets the build arguments `WEB` and `GIT`: servers to read from (remotes.ts). */
  readonly remotes?: boolean;
  /** Variables of the builder's own environment (`--secret id=x,env=X`). */
  readonly env?: Readonly<Record<string, string>>;
  /** Commands that make in the context what git does not keep: owners, special modes, links, times, empty folders. */
  readonly setup?: readonly (readonly string[])[];
  /** The build must fail, and tsbuild's error must match this regular expression. */
  readonly expectError?: string;
  /** Paths in the image whose times must agree, as in `CompareOptions`. */
  readonly mtimeOf?: readonly string[];
}

export interface BuildCase extends CaseFile {
  readonly name: string;
  readonly peers: readonly PeerName[];
  readonly bases: readonly BaseName[];
  readonly dir: string;
}

/** What git does keep of a context is no command's business; what these make it does not keep. */
const SETUP_COMMANDS = new Set([
  'mkdir',
  'chmod',
  'chown',
  'ln',
  'mkfifo',
  'mknod',
  'touch',
  'tar',
  'cp',
  'rm',
  'python3',
]);

/** From the compiled file in out/ or from the source, the same folder. */
const FIXTURES = fileURLToPath(
  new URL(import.meta.url.includes('/out/') ? '../../../fixtures/build/' : '../../fixtures/build/', import.meta.url),
);

export function loadCases(): BuildCase[] {
  return readdirSync(FIXTURES).sort().map(loadCase);
}

function loadCase(name: string): BuildCase {
  const dir = join(FIXTURES, name);
  const path = join(dir, 'case.json');
  const file = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as CaseFile) : {};
  return { peers: ['buildkit', 'docker', 'buildah'], bases: ['busybox'], ...file, name, dir };
}

/**
 * Copies a case to `target` and makes there what git does not keep. Modes are what git knows of them, executable or not:
 * the umask of a checkout has no say.
 */
export function prepareContext(buildCase: BuildCase, target: string): void {
  copyTree(buildCase.dir, target);
  for (const [command = '', ...args] of buildCase.setup ?? []) {
    if (!SETUP_COMMANDS.has(command)) throw new Error(`${buildCase.name}: setup may not run ${command}`);
    execFileSync(command, args, { cwd: target, stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    else if (entry.isSymbolicLink()) execFileSync('cp', ['-a', source, target]);
    else {
      copyFileSync(source, target);
      chmodSync(target, (statSync(source).mode & 0o100) !== 0 ? 0o755 : 0o644);
    }
  }
}
