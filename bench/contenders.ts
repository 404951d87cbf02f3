import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BUILDAH_NEEDS, openBuildah } from '../test/support/buildah.ts';
import { DOCKERD_NEEDS, startDockerd } from '../test/support/dockerd.ts';
import type { ExecResult } from '../test/support/exec.ts';
import { missingNeeds } from '../test/support/machine.ts';
import { removeTree } from '../test/support/temp.ts';
import { openTsbuild } from '../test/support/tsbuild.ts';

/** A builder as a user drives it: every method is one command, or as few as the tool needs. */
export interface Contender {
  readonly name: ContenderName;
  readonly version: string;
  build(
    context: string,
    tag: string,
    options?: { readonly buildArgs?: Readonly<Record<string, string>> },
  ): Promise<void>;
  /** Writes a docker-archive. */
  save(tag: string, dest: string): Promise<void>;
  push(tag: string, reference: string): Promise<void>;
  pull(reference: string): Promise<void>;
  /** Forgets all images and caches. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export type ContenderName = 'tsbuild' | 'docker' | 'buildah';

/** Opens a contender with its state below `root`; `undefined` where it is not installed. */
export async function openContender(name: ContenderName, root: string): Promise<Contender | undefined> {
  const state = join(root, name);
  mkdirSync(state, { recursive: true });
  if (name === 'tsbuild') return openTsbuildContender(state);
  if (missingNeeds(name === 'docker' ? DOCKERD_NEEDS : BUILDAH_NEEDS).length > 0) return undefined;
  return name === 'docker' ? openDockerContender(state) : openBuildahContender(state);
}

async function openTsbuildContender(state: string): Promise<Contender> {
  const tsbuild = openTsbuild(state);
  const run = mustSucceed(tsbuild.run);
  return {
    name: 'tsbuild',
    version: /version (\S+)/.exec((await run(['--version'])).stdout)?.[1] ?? '',
    build: async (context, tag, options) => {
      await run(['build', '--progress=plain', ...buildArgFlags(options?.buildArgs), '-t', tag, context]);
    },
    save: async (tag, dest) => {
      await run(['save', '-o', dest, tag]);
    },
    push: async (tag, reference) => {
      await run(['tag', tag, reference]);
      await run(['push', reference]);
    },
    pull: async (reference) => {
      await run(['pull', reference]);
    },
    reset: async () => {
      removeTree(state);
      mkdirSync(state, { recursive: true });
    },
    stop: async () => tsbuild.stop(),
  };
}

async function openDockerContender(state: string): Promise<Contender> {
  const docker = await startDockerd({ root: state, storageDriver: 'overlay2' });
  const run = mustSucceed(docker.run);
  return {
    name: 'docker',
    version: `${(await run(['version', '--format', '{{.Server.Version}}'])).stdout.trim()} (BuildKit)`,
    build: async (context, tag, options) => {
      const flags = ['--network=host', '--progress=plain', ...buildArgFlags(options?.buildArgs)];
      await run(['build', ...flags, '-t', tag, context]);
    },
    save: async (tag, dest) => {
      await run(['save', '-o', dest, tag]);
    },
    push: async (tag, reference) => {
      await run(['tag', tag, reference]);
      await run(['push', '-q', reference]);
    },
    pull: async (reference) => {
      await run(['pull', '-q', reference]);
    },
    reset: async () => {
      const images = (await run(['image', 'ls', '-aq'])).stdout.split('\n').filter((id) => id !== '');
      if (images.length > 0) await run(['rmi', '-f', ...new Set(images)]);
      await run(['builder', 'prune', '-af']);
    },
    stop: () => docker.stop(),
  };
}

async function openBuildahContender(state: string): Promise<Contender> {
  const buildah = openBuildah(state);
  const run = mustSucceed(buildah.run);
  return {
    name: 'buildah',
    version: /version (\S+)/.exec((await run(['--version'])).stdout)?.[1] ?? '',
    build: async (context, tag, options) => {
      await run(['build', '--network=host', '--layers', ...buildArgFlags(options?.buildArgs), '-t', tag, context]);
    },
    save: async (tag, dest) => {
      await run(['push', '-q', tag, `docker-archive:${dest}`]);
    },
    push: async (tag, reference) => {
      await run(['push', '-q', tag, `docker://${reference}`]);
    },
    pull: async (reference) => {
      await run(['pull', '-q', reference]);
    },
    reset: async () => {
      await run(['rmi', '-af']);
    },
    stop: () => buildah.stop(),
  };
}

function buildArgFlags(buildArgs: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(buildArgs).map(([key, value]) => `--build-arg=${key}=${value}`);
}

type Run = (args: readonly string[]) => Promise<ExecResult>;

function mustSucceed(run: Run): Run {
  return async (args) => {
    const result = await run(args);
    if (result.code === 0) return result;
    throw new Error(
      `${args.join(' ')}: exit code ${result.code}\n${`${result.stdout}\n${result.stderr}`.slice(-3000)}`,
    );
  };
}
