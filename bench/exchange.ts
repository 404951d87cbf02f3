// A cold builder with --cache-from: 20 steps, all of them in a cache of a registry, that somebody else left. Both builders read the cache
// that docker's BuildKit wrote; nothing of the earlier run is left when one begins.
import { join } from 'node:path';
import { startBaseRegistry } from '../test/support/base-registry.ts';
import { startDockerd } from '../test/support/dockerd.ts';
import { exec } from '../test/support/exec.ts';
import { findNewestDocker } from '../test/support/newest-docker.ts';
import { makeTempDir, removeTree } from '../test/support/temp.ts';
import { TSBUILD } from '../test/support/tsbuild.ts';
import { writeTwentySteps } from './contexts.ts';

const RUNS = 11;

const programs = await findNewestDocker();
if (programs === undefined) throw new Error('there is no docker that can be fetched and run here');
const work = makeTempDir('bench-exchange');
const registry = await startBaseRegistry(['busybox']);
const docker = await startDockerd({ programs, containerdStore: true });
try {
  const context = join(work, 'steps');
  writeTwentySteps(context);
  const cache = `${registry.host}/cache:steps`;
  const common = ['--network=host', '--progress=plain', `--build-arg=REGISTRY=${registry.host}`];
  const buildx = async (...flags: string[]): Promise<void> => {
    const result = await docker.run(['buildx', 'build', '--provenance=false', ...common, ...flags, context]);
    if (result.code !== 0) throw new Error(result.stderr);
  };
  await buildx(`--cache-to=type=registry,ref=${cache},mode=max`);

  const store = join(work, 'store');
  const tsbuild = (...flags: string[]) => exec(TSBUILD, ['--root', store, 'build', ...common, ...flags, context]);
  const emptyDocker = async (): Promise<void> => {
    await docker.run(['buildx', 'prune', '-af']);
    await docker.run(['image', 'prune', '-af']);
  };
  const emptyStore = async (): Promise<void> => removeTree(store);
  const from = `--cache-from=type=registry,ref=${cache}`;
  const variants = [
    ['tsbuild, kept in the store', emptyStore, () => tsbuild(from, '-t', 'app:1')],
    ['docker, kept in the store', emptyDocker, () => buildx(from, '-t', 'app:1')],
    ['tsbuild, pushed', emptyStore, () => tsbuild(from, '-t', `${registry.host}/app:tsbuild`, '--push')],
    ['docker, pushed', emptyDocker, () => buildx(from, '-t', `${registry.host}/app:docker`, '--push')],
  ] as const;
  const times = new Map(variants.map(([name]): [string, number[]] => [name, []]));
  for (let run = 0; run < RUNS; run++)
    for (const [name, empty, build] of variants) {
      await empty();
      const startedMs = performance.now();
      await build();
      times.get(name)?.push(performance.now() - startedMs);
    }
  for (const [name, all] of times) {
    const median = all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
    console.log(`cold builder, 20 steps from a registry's cache: ${name.padEnd(28)} ${median.toFixed(0)} ms`);
  }
} finally {
  await docker.stop();
  await registry.stop();
  removeTree(work);
}
