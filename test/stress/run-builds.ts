import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokenBlobs, mountsAnywhere, processesWith, waitEmpty } from '../e2e/soundness.ts';
import { startBaseRegistry } from '../support/base-registry.ts';
import { exec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { readImage } from '../support/image-tree.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, TSBUILD, type Tsbuild } from '../support/tsbuild.ts';
import { LAYERED_BASE, type PlannedBuild, planBuild } from './plan.ts';
import { Random } from './random.ts';

export interface StressOptions {
  readonly builds: number;
  readonly seed: number;
  /** Processes at once. */
  readonly jobs: number;
  /** Of a build. */
  readonly killChance?: number;
  readonly log?: (line: string) => void;
}

export interface StressReport {
  readonly finished: number;
  readonly killed: number;
  /** Steps that builds shared with one that ran at the same time. */
  readonly waits: number;
  readonly upkeeps: number;
  /** All that is not as it must be. */
  readonly faults: readonly string[];
}

interface Room {
  readonly work: string;
  readonly registry: string;
  readonly tsbuild: Tsbuild;
}

/**
 * Runs builds that overlap, many at once, on one store: some are killed, and between them things are removed. Says what each build that
 * ended gave that it must not have given, and what is left that must not be.
 */
export async function runBuilds(options: StressOptions): Promise<StressReport> {
  const { builds, seed, jobs, killChance = 0.2, log = () => {} } = options;
  const work = makeTempDir('stress');
  const registry = await startBaseRegistry(['busybox']);
  const tsbuild = openTsbuild(join(work, 'store'));
  const room: Room = { work, registry: registry.host, tsbuild };
  const random = new Random(seed);
  const planned = Array.from({ length: builds }, (_, i) => planBuild(random, i, killChance));
  const upkeep = new Random(seed + 1);
  const faults: string[] = [];
  let [finished, killed, waits, upkeeps, next] = [0, 0, 0, 0, 0];
  try {
    await publishBase(work, registry.host);
    const worker = async (): Promise<void> => {
      for (let index = next++; index < planned.length; index = next++) {
        const build = planned[index] as PlannedBuild;
        const ended = await runBuild(room, index, build);
        log(`${index}: ${build.output} ${ended.isKilled ? 'killed' : ended.faults.length === 0 ? 'right' : 'WRONG'}`);
        if (ended.isKilled) killed += 1;
        else finished += 1;
        if (ended.hasWaited) waits += 1;
        faults.push(...ended.faults.map((fault) => `build ${index}: ${fault}\n${build.dockerfile}`));
        if (!upkeep.chance(0.3)) continue;
        upkeeps += 1;
        faults.push(...(await runUpkeep(room, upkeep, index, log)));
      }
    };
    await Promise.all(Array.from({ length: jobs }, worker));
    faults.push(...(await inspect(room)));
  } finally {
    await registry.stop();
    if (faults.length === 0 || process.env.TSBUILD_KEEP_STRESS === undefined) removeTree(work);
    else log(`kept: ${work}`);
  }
  return { finished, killed, waits, upkeeps, faults };
}

/** From a store of its own, so that builds have to fetch it. */
async function publishBase(work: string, registry: string): Promise<void> {
  const context = join(work, 'base');
  mkdirSync(context);
  writeFiles(context, { Dockerfile: LAYERED_BASE });
  const maker = openTsbuild(join(work, 'base-store'));
  const args = ['build', `--build-arg=REGISTRY=${registry}`, '-t', `${registry}/layers:1`, '--push', context];
  const built = await maker.run(args);
  if (built.code !== 0) throw new Error(built.stderr);
  maker.stop();
}

interface Ended {
  readonly isKilled: boolean;
  readonly hasWaited: boolean;
  readonly faults: readonly string[];
}

async function runBuild(room: Room, index: number, build: PlannedBuild): Promise<Ended> {
  const { work, registry, tsbuild } = room;
  const context = join(work, `context${index}`);
  mkdirSync(context);
  writeFiles(context, { Dockerfile: build.dockerfile, ...build.files });
  const out = join(work, `out${index}`);
  const name = `${registry}/stress/${index % 7}:${index}`;
  const outputs: Readonly<Record<PlannedBuild['output'], readonly string[]>> = {
    local: ['-o', out],
    oci: ['-o', `type=oci,dest=${out}`],
    image: ['-t', name],
    push: ['-t', name, '--push'],
    squash: ['-t', name, '--push', '--squash'],
  };
  const args = [
    'build',
    '--progress=plain',
    `--build-arg=REGISTRY=${registry}`,
    ...build.flags.map((flag) => flag.replace('$REGISTRY', registry)),
    ...outputs[build.output],
    context,
  ];
  const child = spawn(TSBUILD, args, { env: tsbuild.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer =
    build.killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), build.killAfterMs);
  const { code, signal, said } = await follow(child);
  clearTimeout(timer);
  const hasWaited = said.includes('waiting for the same step');
  // Beside the process's own end there is no way to be killed by somebody else.
  if (signal === 'SIGKILL' && build.killAfterMs !== undefined) return { isKilled: true, hasWaited, faults: [] };
  if (code !== 0)
    return { isKilled: false, hasWaited, faults: [`it ended with ${code ?? signal}:\n${said.slice(-4000)}`] };
  const faults = await checkResult(room, build, out, name);
  removeTree(out);
  return { isKilled: false, hasWaited, faults };
}

async function follow(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly signal: string | null; readonly said: string }> {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-200_000);
    });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, said };
}

async function checkResult(room: Room, build: PlannedBuild, out: string, name: string): Promise<readonly string[]> {
  if (build.output === 'local') return compare(build, readLocal(join(out, 'w')));
  if (build.output === 'image') {
    const saved = await room.tsbuild.run(['save', '--format', 'oci', '-o', out, name]);
    // An upkeep may have taken it away.
    if (/no such image|not found/i.test(saved.stderr)) return [];
    if (saved.code !== 0) return [`save: ${saved.stderr}`];
  }
  if (build.output === 'push' || build.output === 'squash')
    await exec('skopeo', [
      'copy',
      '--insecure-policy',
      '--src-tls-verify=false',
      `docker://${name}`,
      `oci-archive:${out}`,
    ]);
  const found = new Map<string, string>();
  for (const [path, { type, sha256 }] of readImage(out).tree)
    if (path.startsWith('w/') && type === 'file') found.set(path.slice(2), sha256);
  return compare(build, found);
}

/** @param found digests of the files below /w */
function compare({ expected }: PlannedBuild, found: ReadonlyMap<string, string>): readonly string[] {
  const faults: string[] = [];
  for (const [path, text] of expected) {
    const digest = found.get(path);
    if (digest === undefined) faults.push(`/w/${path} is missing`);
    else if (digest !== sha256(text)) faults.push(`/w/${path} has another content`);
  }
  for (const path of found.keys()) if (!expected.has(path)) faults.push(`/w/${path} is there`);
  return faults;
}

function readLocal(root: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : []) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path.slice(root.length + 1), sha256(readFileSync(path)));
  }
  return found;
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** What is done beside builds: removals, repairs, and images and caches on their way in and out. */
async function runUpkeep(
  room: Room,
  random: Random,
  index: number,
  log: (line: string) => void,
): Promise<readonly string[]> {
  const { tsbuild, registry, work } = room;
  const some = index - random.below(10);
  const image = `${registry}/stress/${some % 7}:${some}`;
  const archive = join(work, `archive${index}`);
  const caches = `${registry}/caches:${index % 3}`;
  const commands = random.pick<readonly (readonly string[])[]>([
    [['prune', '-f']],
    [['prune', '-a', '-f']],
    [['prune', '-f', '--max-used-space', '3MB']],
    [['fsck', '--repair']],
    [['fsck', '--repair', '--full']],
    [['rmi', '-f', image]],
    [['rmi', '-f', `${registry}/busybox:1`]],
    [['rmi', '-f', `${registry}/layers:1`]],
    [
      ['pull', '-q', `${registry}/layers:1`],
      ['push', '-q', `${registry}/layers:1`],
    ],
    [
      ['save', '-o', archive, image],
      ['rmi', '-f', image],
      ['load', '-q', '-i', archive],
    ],
    [
      ['cache-mount', 'export', '--all', caches],
      ['cache-mount', 'import', '--mode', random.pick(['replace', 'merge']), caches],
    ],
  ]);
  const faults: string[] = [];
  for (const args of commands) {
    const child = spawn(TSBUILD, args, { env: tsbuild.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const isKilled = random.chance(0.15);
    const timer = isKilled ? setTimeout(() => child.kill('SIGKILL'), 50 + random.below(400)) : undefined;
    const { code, signal, said } = await follow(child);
    clearTimeout(timer);
    log(`${index}: tsbuild ${args.join(' ')}: ${code ?? signal}`);
    if (isKilled && signal === 'SIGKILL') break;
    // What was found is no failure of the repair: the look at the end tells what is left.
    if (code === 0 || (args[0] === 'fsck' && code === 1 && !said.includes('ERROR:'))) continue;
    // It was never built, another one removed it, or a step uses it.
    if (!/no such image|not found|no cache mount|in use|CACHE_MOUNT_/i.test(said))
      faults.push(`tsbuild ${args.join(' ')}: ${code ?? signal} ${said.slice(-3000)}`);
    break;
  }
  removeTree(archive);
  return faults;
}

/** What is left when all have ended and the next build has swept. */
async function inspect({ work, tsbuild, registry }: Room): Promise<readonly string[]> {
  const context = join(work, 'last');
  mkdirSync(context);
  writeFiles(context, { Dockerfile: 'ARG REGISTRY\nFROM $REGISTRY/busybox:1\nRUN true\n' });
  const args = ['build', '--progress=plain', `--build-arg=REGISTRY=${registry}`, context];
  const last = await tsbuild.run(args);
  const { root } = tsbuild;
  const list = (folder: string, pattern: RegExp): string[] =>
    (existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []).filter((name) => pattern.test(name));
  const left: readonly (readonly [string, readonly unknown[]])[] = [
    ['processes', await waitEmpty(() => processesWith(root))],
    ['mounts', await waitEmpty(() => mountsAnywhere(root))],
    ['half-made snapshots', list('snapshots', /^(?:active|removed)-/)],
    ['half-made blobs', list('ingest', /./)],
    ['owners', list('locks', /^owner-/)],
    ['claims', list('locks', /^claim-/)],
    ['sockets', list('agents', /./)],
    ['broken blobs', brokenBlobs(root)],
  ];
  const faults = left.filter(([, names]) => names.length > 0).map(([what, names]) => `${what} left: ${names.join()}`);
  if (last.code !== 0) faults.push(`the last build: ${last.stderr}`);
  // A warning is of what is forgotten in time: a directory that was built and is gone, a record of which a kill left no directory.
  faults.push(...(await check(tsbuild)).filter((line) => !line.startsWith('warning')));
  const pruned = await tsbuild.run(['prune', '-a', '-f']);
  if (pruned.code !== 0) faults.push(`the last prune: ${pruned.stderr}`);
  faults.push(...(await check(tsbuild)).filter((line) => !line.startsWith('warning')));
  return faults;
}

async function check(tsbuild: Tsbuild): Promise<readonly string[]> {
  const { stdout, stderr } = await tsbuild.run([
    'fsck',
    '--format',
    '{{.Severity}} {{.Code}}: {{.Subject}}: {{.Message}}',
  ]);
  return `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
}
