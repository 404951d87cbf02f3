import { join } from 'node:path';
import type { Buildah } from '../support/buildah.ts';
import type { Dockerd } from '../support/dockerd.ts';
import type { ExecOptions, ExecResult } from '../support/exec.ts';
import { type ImageContent, readImage } from '../support/image-tree.ts';
import { removeTree } from '../support/temp.ts';
import type { Tsbuild } from '../support/tsbuild.ts';
import type { BuildCase } from './cases.ts';

export interface BuildInput {
  readonly buildCase: BuildCase;
  /** The prepared context; its folders of `before` are contexts too. */
  readonly context: string;
  /** Host of the registry of bases. */
  readonly registry: string;
  /** Flags for cases that read from servers. */
  readonly remotes: readonly string[];
  /** A folder for results, for this builder and case alone. */
  readonly scratch: string;
}

/** Either the image or what the builder said when it failed. */
export type Outcome = { readonly image: ImageContent } | { readonly error: string };

/** One of those that are compared, reduced to what a case needs of it. */
export interface Builder {
  readonly name: string;
  build(input: BuildInput): Promise<Outcome>;
}

interface Commands {
  readonly name: string;
  /** How a Dockerfile names an image that this builder just built. */
  readonly localName: (tag: string) => string;
  readonly run: (args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  readonly buildFlags: readonly string[];
  /** Writes the image to `dest` where `build` did not. */
  exportImage(tag: string, dest: string): Promise<void>;
}

export function dockerBuilder(docker: Dockerd, name: 'docker' | 'buildkit'): Builder {
  return makeBuilder({
    name,
    localName: (tag) => tag,
    run: docker.run,
    buildFlags: ['build', '--network=host', '--progress=plain'],
    exportImage: async (tag, dest) => check(await docker.run(['save', '-o', dest, tag])),
  });
}

export function buildahBuilder(buildah: Buildah): Builder {
  return makeBuilder({
    name: 'buildah',
    localName: (tag) => `localhost/${tag}`,
    run: buildah.run,
    buildFlags: ['build', '--network=host', '--layers', '--format=docker', '--identity-label=false'],
    exportImage: async (tag, dest) => check(await buildah.run(['push', tag, `docker-archive:${dest}`])),
  });
}

export function tsbuildBuilder(tsbuild: Tsbuild): Builder {
  return makeBuilder({
    name: 'tsbuild',
    localName: (tag) => tag,
    run: tsbuild.run,
    buildFlags: ['build', '--progress=plain'],
    exportImage: async (tag, dest) => check(await tsbuild.run(['save', '--format=oci', '-o', dest, tag])),
  });
}

function makeBuilder(commands: Commands): Builder {
  return {
    name: commands.name,
    async build({ buildCase, context, registry, remotes, scratch }) {
      const args = [`--build-arg=REGISTRY=${registry}`, ...(buildCase.remotes ? remotes : [])];
      for (const { dir, arg } of buildCase.before ?? []) {
        const tag = `before-${buildCase.name}-${dir}:1`;
        const folder = join(context, dir);
        const built = await commands.run([...commands.buildFlags, ...args, '-t', tag, folder]);
        if (built.code !== 0) return { error: said(built) };
        args.push(`--build-arg=${arg}=${commands.localName(tag)}`);
      }
      const tag = `case-${buildCase.name}:1`;
      const result = await commands.run(
        [...commands.buildFlags, ...args, ...caseFlags(buildCase, context), '-t', tag, context],
        { env: buildCase.env ?? {} },
      );
      if (result.code !== 0) return { error: said(result) };
      const archive = join(scratch, `${commands.name}.tar`);
      await commands.exportImage(tag, archive);
      const image = readImage(archive);
      removeTree(archive);
      return { image };
    },
  };
}

function caseFlags(buildCase: BuildCase, context: string): string[] {
  const flags = ['-f', join(context, buildCase.dockerfile ?? 'Dockerfile')];
  if (buildCase.target !== undefined) flags.push(`--target=${buildCase.target}`);
  if (buildCase.platform !== undefined) flags.push(`--platform=${buildCase.platform}`);
  for (const [key, value] of Object.entries(buildCase.buildArgs ?? {})) flags.push(`--build-arg=${key}=${value}`);
  for (const [key, value] of Object.entries(buildCase.labels ?? {})) flags.push(`--label=${key}=${value}`);
  for (const flag of buildCase.flags ?? []) flags.push(flag.replaceAll('{context}', context));
  return flags;
}

function said(result: ExecResult): string {
  return `${result.stdout}\n${result.stderr}`.trim();
}

function check(result: ExecResult): void {
  if (result.code !== 0) throw new Error(said(result));
}
