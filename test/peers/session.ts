import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBaseRegistry } from '../support/base-registry.ts';
import { openBuildah } from '../support/buildah.ts';
import { type DockerdOptions, startDockerd } from '../support/dockerd.ts';
import { makeLimit } from '../support/limit.ts';
import { findNewestDocker } from '../support/newest-docker.ts';
import type { Registry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild } from '../support/tsbuild.ts';
import { type Builder, buildahBuilder, dockerBuilder, type Outcome, tsbuildBuilder } from './builders.ts';
import { type BuildCase, type PeerName, prepareContext } from './cases.ts';
import { startRemotes } from './remotes.ts';

export type BuilderName = PeerName | 'tsbuild';

/** A registry of bases and each builder with its own state, for as many cases as there are. */
export interface Session {
  /** Builds one case with each of the builders, one after the other, each from a context of its own. */
  build(buildCase: BuildCase, builders: readonly BuilderName[]): Promise<Map<BuilderName, Outcome>>;
  close(): Promise<void>;
}

/** How many cases are built at once: enough to use the cores, few enough that none times out. */
const CONCURRENCY = 4;

export async function openSession(names: readonly BuilderName[], cases: readonly BuildCase[]): Promise<Session> {
  const root = makeTempDir('peers');
  const closers: (() => Promise<void> | void)[] = [() => removeTree(root)];
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer();
  };
  try {
    const bases = new Set(cases.flatMap((buildCase) => buildCase.bases));
    const registry: Registry = await startBaseRegistry([...bases]);
    closers.push(() => registry.stop());
    const remotes = await startRemotes(join(root, 'remotes'));
    closers.push(() => remotes.stop());
    const builders = new Map<BuilderName, Builder>();
    const startDocker = async (name: 'docker' | 'buildkit', options: DockerdOptions): Promise<void> => {
      const docker = await startDockerd(options);
      closers.push(() => docker.stop());
      builders.set(name, dockerBuilder(docker, name));
    };
    if (names.includes('docker')) await startDocker('docker', {});
    if (names.includes('buildkit')) {
      const programs = await findNewestDocker();
      if (programs === undefined) throw new Error('there is no newer docker to be had');
      await startDocker('buildkit', { programs, containerdStore: true });
    }
    if (names.includes('buildah')) {
      const buildah = openBuildah();
      closers.push(() => buildah.stop());
      builders.set('buildah', buildahBuilder(buildah));
    }
    if (names.includes('tsbuild')) {
      const tsbuild = openTsbuild();
      closers.push(() => tsbuild.stop());
      builders.set('tsbuild', tsbuildBuilder(tsbuild));
    }
    const limit = makeLimit(CONCURRENCY);
    return {
      close,
      build: (buildCase, wanted) =>
        limit(async () => {
          const outcomes = new Map<BuilderName, Outcome>();
          for (const name of wanted) {
            const builder = builders.get(name);
            if (builder === undefined) continue;
            const scratch = join(root, buildCase.name, name);
            const context = join(scratch, 'context');
            mkdirSync(scratch, { recursive: true });
            prepareContext(buildCase, context);
            const input = { buildCase, context, registry: registry.host, remotes: remotes.buildArgs, scratch };
            outcomes.set(name, await builder.build(input));
            removeTree(scratch);
          }
          return outcomes;
        }),
    };
  } catch (error) {
    await close();
    throw error;
  }
}
