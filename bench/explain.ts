// What records and --explain-cache cost: a cached build of 400 steps, and a context of 20,000 files of which one changed.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBuildRecorder } from '../src/history/recorder.ts';
import { digestOf } from '../src/oci/index.ts';
import { exec } from '../test/support/exec.ts';
import { makeTempDir, removeTree } from '../test/support/temp.ts';
import { TSBUILD } from '../test/support/tsbuild.ts';

const STEPS = 400;
const FILES = 20_000;
const RUNS = 15;

/** Median seconds; the runs of what is compared take turns. */
async function compare(title: string, variants: Readonly<Record<string, () => Promise<unknown>>>): Promise<void> {
  const seconds = new Map(Object.keys(variants).map((name): [string, number[]] => [name, []]));
  for (let run = 0; run < RUNS; run++)
    for (const [name, work] of Object.entries(variants)) {
      const startedMs = performance.now();
      await work();
      seconds.get(name)?.push((performance.now() - startedMs) / 1000);
    }
  for (const [name, times] of seconds) print(`${title}, ${name}`, times);
}

function print(name: string, times: number[]): void {
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  console.log(`${name.padEnd(60)} ${(median * 1000).toFixed(1)} ms`);
}

async function measureBuilds(work: string): Promise<void> {
  const store = join(work, 'store');
  const build = (context: string, ...flags: string[]) =>
    exec(TSBUILD, ['--root', store, 'build', '-q', '-o', 'type=tar,dest=/dev/null', ...flags, context]);
  const steps = join(work, 'steps');
  mkdirSync(steps);
  const lines = Array.from({ length: STEPS }, (_, index) => `WORKDIR /d${index}`);
  writeFileSync(join(steps, 'Dockerfile'), ['FROM scratch', ...lines].join('\n'));
  const listed = (...flags: string[]) => exec(TSBUILD, ['--root', store, 'build', '-q', ...flags, steps]);
  await listed();
  await compare(`${STEPS} cached steps`, {
    'without --explain-cache': () => listed(),
    'with --explain-cache': () => listed('--explain-cache'),
  });

  const files = join(work, 'files');
  mkdirSync(files);
  for (let index = 0; index < FILES; index++) {
    const directory = join(files, 'src', `d${index % 200}`);
    if (index < 200) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${index}`), `file ${index}\n`);
  }
  writeFileSync(join(files, 'Dockerfile'), 'FROM scratch\nCOPY src /src\n');
  await build(files);
  // Until the stat cache trusts what has just been written.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await build(files);
  await compare(`${FILES} files, unchanged`, {
    'without --explain-cache': () => build(files),
    'with --explain-cache': () => build(files, '--explain-cache'),
  });
  let changes = 0;
  const change = (): void => writeFileSync(join(files, 'src/d0/f0'), `change ${changes++}\n`);
  await compare(`${FILES} files, one changed`, {
    'without --explain-cache': () => {
      change();
      return build(files);
    },
    'with --explain-cache': () => {
      change();
      return build(files, '--explain-cache');
    },
  });
}

/** The record of a build in which all steps were cached, both of its writes; what the disk takes is not counted. */
function measureRecord(work: string, count: number): void {
  const paths = { builds: join(work, 'builds'), logs: join(work, 'logs') };
  const digests = Array.from({ length: count }, (_, index) => digestOf(`step ${index}`));
  const runs = 200;
  const before = process.cpuUsage();
  for (let run = 0; run < runs; run++) {
    const id = `20260102T030405-${run.toString(16).padStart(8, '0')}`;
    const startedMs = Date.now();
    const recorder = createBuildRecorder(paths, id, { context: work }, work);
    for (const [index, digest] of digests.entries()) {
      const name = `[${index + 1}/${count}] RUN make part-${index}`;
      const vertex = digests[index - 1];
      const inputs = vertex === undefined ? [] : [{ vertex, index: 0, identity: vertex }];
      recorder.keyed({ digest, name }, { identity: digest, map: digest, inputs, refresh: false, volatile: false });
      recorder.sink({ vertexes: [{ digest, name, startedMs, completedMs: startedMs, cached: true }] });
    }
    recorder.finish({ result: { names: [] } });
  }
  const { user, system } = process.cpuUsage(before);
  print(`the record of ${count} cached steps, CPU`, [(user + system) / 1e6 / runs]);
  rmSync(paths.builds, { recursive: true });
}

async function main(): Promise<void> {
  const work = makeTempDir('bench-explain');
  try {
    for (const count of [20, 100, STEPS]) measureRecord(work, count);
    await measureBuilds(work);
  } finally {
    removeTree(work);
  }
}

await main();
