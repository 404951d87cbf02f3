import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { startBaseRegistry } from '../support/base-registry.ts';
import { startDockerd } from '../support/dockerd.ts';
import { exec, type tryExec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { makeRepository, startGitHttp } from '../support/git-server.ts';
import { findNewestDocker } from '../support/newest-docker.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild } from '../support/tsbuild.ts';
import { startWebServer } from '../support/web-server.ts';
import { readExecuted } from './executed.ts';
import type { Row, Scenario } from './types.ts';

export type BuilderName = 'tsbuild' | 'buildkit';

/** One builder with one store, and what the rows read from. */
export interface World {
  /** Builds the scenario as it is, and then with each row's change; answers the steps that ran for each row. */
  run(scenario: Scenario, name: BuilderName): Promise<readonly RowResult[]>;
  stop(): Promise<void>;
}

export interface RowResult {
  readonly row: Row;
  readonly expected: readonly string[];
  /** Steps that ran, by what `expected` calls them, or as they are where it has no name for them. */
  readonly executed: readonly string[];
}

/** Runs the command that is given the flags of a build. */
type Build = (args: readonly string[], input?: Buffer) => Promise<string>;

/** Images made from busybox, by the word that stands for them in Dockerfiles. */
const VARIANTS: Readonly<Record<string, string>> = {
  plain: '',
  label: 'LABEL a=b\n',
  variable: 'ENV VARIABLE=1\n',
  layer: 'COPY Dockerfile /layer\n',
};

export async function openWorld(names: readonly BuilderName[]): Promise<World> {
  const root = makeTempDir('keys');
  const closers: (() => Promise<void> | void)[] = [() => removeTree(root)];
  const stop = async (): Promise<void> => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const registry = await startBaseRegistry(['busybox']);
    closers.push(() => registry.stop());
    const another = await startBaseRegistry(['busybox']);
    closers.push(() => another.stop());
    const serving = new Map<string, string>();
    const web = await startWebServer((request, response) => {
      const text = serving.get(request.url ?? '');
      if (text === undefined) response.writeHead(404);
      response.end(text);
    });
    closers.push(() => web.stop());
    const git = await startGit(join(root, 'git'));
    closers.push(() => git.stop());
    const builders = new Map<BuilderName, Build>();
    const tsbuild = openTsbuild();
    closers.push(() => tsbuild.stop());
    builders.set('tsbuild', async (args, input) => {
      const env = { TSBUILD_CONTEXT_MODE: '' };
      return check(await tsbuild.run(['build', '--progress=rawjson', ...args], { env, ...toInput(input) }));
    });
    if (names.includes('buildkit')) {
      const programs = await findNewestDocker();
      if (programs === undefined) throw new Error('there is no newer docker to be had');
      const docker = await startDockerd({ programs, containerdStore: true });
      closers.push(() => docker.stop());
      builders.set('buildkit', async (args, input) => {
        // It has no bridge here.
        const network = args.some((arg) => arg.startsWith('--network=')) ? [] : ['--network=host'];
        return check(await docker.run(['build', '--progress=rawjson', ...network, ...args], toInput(input)));
      });
    }
    const words: Record<string, string> = {
      busybox: `${registry.host}/busybox:1`,
      elsewhere: `${another.host}/busybox:1`,
      web: web.url,
      git: git.url,
      arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
      ...(await pushVariants(registry.host, tsbuild.run, join(root, 'variants'))),
    };
    // Several that fetch one base at once are another matter.
    const warm = join(root, 'warm');
    writeFiles(warm, { Dockerfile: `FROM ${words.busybox}\nFROM ${words.plain}\nCOPY --from=0 /etc /etc\n` });
    for (const name of names) await builders.get(name)?.([warm]);

    return {
      stop,
      async run(scenario, name) {
        const build = builders.get(name);
        if (build === undefined) throw new Error(`${name} was not opened`);
        const id = scenario.name.replaceAll(/\W+/g, '-');
        const home = join(root, name, id);
        const buildOne = async (change: Partial<Row>, number: number): Promise<readonly string[]> => {
          // Of a directory with the same name BuildKit takes only what changed, and misses when that is the mode of a directory.
          const context = join(home, `${id}-${number}`);
          const fill = (text: string): string => fillIn(text, { ...words, id, context });
          for (const [path, text] of Object.entries({ ...scenario.serve, ...change.serve }))
            serving.set(`/${id}${path}`, text);
          writeContext(context, scenario, change, fill, `${id} ${number}`);
          for (const commands of [scenario.sh, change.sh])
            if (commands !== undefined) await exec('sh', ['-ec', fill(commands)], { cwd: context });
          const flags = (change.flags ?? scenario.flags ?? []).map(fill);
          if (change.tar !== true) return readExecuted(await build([...flags, context]));
          await exec('tar', ['cf', `${context}.tar`, '-C', context, '.']);
          return readExecuted(await build([...flags, '-'], readFileSync(`${context}.tar`)));
        };
        await buildOne({}, 0);
        const results: RowResult[] = [];
        for (const [i, row] of scenario.rows.entries()) {
          const peer = name === 'tsbuild' ? undefined : row.peer;
          const fillAll = (texts: readonly string[]): readonly string[] =>
            texts.map((text) => fillIn(text, { ...words, id }));
          const possible = [peer?.runs ?? row.runs, ...(peer?.orRuns === undefined ? [] : [peer.orRuns])].map(fillAll);
          const steps = await buildOne(row, i + 1);
          const answers = possible.map((expected): RowResult => {
            const executed = steps.map((step) => nameStep(step, expected)).toSorted();
            return { row, expected: expected.toSorted(), executed };
          });
          const fitting = answers.find(({ expected, executed }) => isDeepStrictEqual(expected, executed)) ?? answers[0];
          if (fitting !== undefined) results.push(fitting);
        }
        removeTree(home);
        return results;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a row calls a step: the longest of its beginnings that it names. */
function nameStep(step: string, names: readonly string[]): string {
  const fitting = names.filter((name) => step.startsWith(name)).toSorted((a, b) => b.length - a.length);
  return fitting[0] ?? step;
}

function fillIn(text: string, words: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
}

function writeContext(
  context: string,
  scenario: Scenario,
  change: Partial<Row>,
  fill: (text: string) => string,
  unique: string,
): void {
  const files: Record<string, string> = {};
  // Its own in each scenario: what one has built must not serve another.
  for (const [path, text] of Object.entries(scenario.files ?? {})) files[path] = text ?? fill(`{id} ${path}\n`);
  for (const path of change.write ?? []) files[path] = `${unique} ${path}\n`;
  let dockerfile = scenario.dockerfile;
  for (const [from, to] of change.edit ?? []) {
    if (!dockerfile.includes(from)) throw new Error(`${scenario.name}: no ${JSON.stringify(from)} in the Dockerfile`);
    dockerfile = dockerfile.replaceAll(from, to);
  }
  mkdirSync(context, { recursive: true });
  writeFiles(context, { ...files, Dockerfile: fill(dockerfile) });
  // Whatever this machine's umask is.
  chmodSync(context, 0o755);
  for (const path of [...Object.keys(files), 'Dockerfile']) {
    chmodSync(join(context, path), 0o644);
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) chmodSync(join(context, folder), 0o755);
  }
}

async function startGit(root: string) {
  const repository = await makeRepository(join(root, 'repo.git'));
  await repository.commit({ 'a.txt': 'one\n', 'dir/b.txt': 'b\n' });
  await repository.git('branch', 'same');
  await repository.git('checkout', '-q', '-b', 'dev');
  await repository.commit({ 'dev.txt': 'dev\n' });
  await repository.git('checkout', '-q', 'main');
  return await startGitHttp(root);
}

/** Pushes the variants; answers their references, by word. */
async function pushVariants(
  host: string,
  run: (args: readonly string[]) => Promise<{ code: number | null; stderr: string }>,
  root: string,
): Promise<Record<string, string>> {
  const references: Record<string, string> = {};
  for (const [name, text] of Object.entries(VARIANTS)) {
    const reference = `${host}/variants:${name}`;
    const context = join(root, name);
    mkdirSync(context, { recursive: true });
    writeFiles(context, { Dockerfile: `FROM ${host}/busybox:1\n${text}` });
    check(await run(['build', '--push', '-t', reference, context]));
    references[name] = reference;
  }
  const insecure = ['--insecure-policy', '--src-tls-verify=false', '--dest-tls-verify=false'];
  const copy = async (to: string, flags: readonly string[] = []): Promise<string> => {
    await exec('skopeo', ['copy', ...insecure, ...flags, `docker://${host}/variants:plain`, `docker://${host}/${to}`]);
    return `${host}/${to}`;
  };
  references.same = await copy('elsewhere:1');
  references.zstd = await copy('variants:zstd', ['--format=oci', '--dest-compress', '--dest-compress-format=zstd']);
  const { stdout } = await exec('skopeo', [
    'inspect',
    '--tls-verify=false',
    '--format={{.Digest}}',
    `docker://${host}/variants:plain`,
  ]);
  references.pinned = `${host}/variants@${stdout.trim()}`;
  return references;
}

function toInput(input: Buffer | undefined): { readonly input?: Buffer } {
  return input === undefined ? {} : { input };
}

function check({ code, stderr }: Pick<Awaited<ReturnType<typeof tryExec>>, 'code' | 'stderr'>): string {
  if (code === 0) return stderr;
  throw new Error(`exit code ${code}\n${stderr.slice(-3000)}`);
}
