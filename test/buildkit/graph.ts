import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEngine } from '../../src/build/engine.ts';
import type { SecretSpec, SshSpec } from '../../src/build-types.ts';
import { type BuildKitKey, createBuildKitKeys } from '../../src/buildkit/index.ts';
import { createDevices } from '../../src/devices/index.ts';
import { type ConvertRequest, dockerfileToLLB } from '../../src/dockerfile/convert/index.ts';
import { compilePatterns, readIgnoreFile } from '../../src/dockerfile/ignore/index.ts';
import type { Definition, Op, OpInput, SourceOp } from '../../src/llb/ops.ts';
import type { PresentResult } from '../../src/llb/results.ts';
import { native } from '../../src/native/index.ts';
import { type Digest, hostPlatform } from '../../src/oci/index.ts';
import { watchJob } from '../../src/ops/watch.ts';
import { createSecrets, createSshAgents } from '../../src/secrets/index.ts';
import { createMetaResolver, type LocalContext, schemeOf } from '../../src/source/index.ts';
import { type Workspace, withWorkspace } from '../../src/workspace.ts';

/** What is built, as far as it decides about keys. */
export interface Subject {
  readonly context: string;
  readonly dockerfile: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `--build-context NAME=directory`. */
  readonly contexts?: Readonly<Record<string, string>>;
  readonly secrets?: readonly SecretSpec[];
  readonly ssh?: readonly SshSpec[];
  readonly extraHosts?: ConvertRequest['extraHosts'];
  readonly network?: ConvertRequest['network'];
}

/** An op with its key, and the content digests of what it reads. */
export interface KeyedOp {
  readonly name: string;
  readonly op: Op;
  readonly key: BuildKitKey | undefined;
  /** As `key.deps`. */
  readonly contents: readonly (Digest | undefined)[];
}

/** Converts a Dockerfile, runs as much of it as keys need to be looked at, and gives the key of each op, inputs first. */
export async function keyGraph(root: string, subject: Subject): Promise<Map<Digest, KeyedOp>> {
  return await withWorkspace(root, async (workspace) => {
    const signal = new AbortController().signal;
    const engine = createEngine({
      workspace,
      contexts: localContexts(subject),
      layouts: new Map(),
      secrets: createSecrets(subject.secrets ?? []),
      sshAgents: createSshAgents(subject.ssh ?? [], workspace.store),
      devices: createDevices([]),
      sink: () => {},
    });
    const { definition } = await convert(workspace, subject);
    const keys = createBuildKitKeys({
      hashContent: (request, jobSignal) =>
        watchJob(native, { signal: jobSignal }, (watch) => native.hashContent({ ...request, watch })),
      view: (name) => workspace.snapshotter.view(name),
      layersOf: (op) => layersOf(workspace, op),
      commitOf: async (op) => (await engine.resolveSource(op, { signal })).commit,
      statCacheDirectory: workspace.store.paths.statCache,
    });
    const treeOf = async (head: OpInput): Promise<PresentResult> => {
      const result = (await engine.solve({ ...definition, head }, signal)) ?? { kind: 'snapshot', name: undefined };
      if (result.kind === 'local' || result.kind === 'snapshot') return result;
      return { kind: 'snapshot', name: await workspace.trees.snapshotOf(result, { signal }) };
    };
    const keyed = new Map<Digest, KeyedOp>();
    for (const [digest, op] of definition.ops) {
      const key = await keys.keyOf(op, signal);
      const contents: (Digest | undefined)[] = [];
      for (const dep of key?.deps ?? []) {
        const input = op.inputs[dep.input];
        contents.push(dep.fixed?.content ?? (input && (await dep.contentDigest?.(await treeOf(input), signal))));
      }
      keyed.set(digest, { name: definition.metadata.get(digest)?.name ?? '', op, key, contents });
    }
    return keyed;
  });
}

async function convert(workspace: Workspace, subject: Subject): Promise<{ readonly definition: Definition }> {
  const platform = hostPlatform();
  return await dockerfileToLLB({
    source: subject.dockerfile,
    fileName: 'Dockerfile',
    buildArgs: subject.buildArgs ?? {},
    targetPlatform: platform,
    buildPlatform: platform,
    platformFromBase: true,
    network: subject.network ?? 'default',
    extraHosts: subject.extraHosts ?? [],
    namedContexts: new Map(Object.keys(subject.contexts ?? {}).map((name) => [name, { type: 'local', name }])),
    meta: createMetaResolver({
      images: workspace.images,
      layouts: new Map(),
      pull: 'missing',
      runPhase: (_, work) => work(),
    }),
  });
}

function localContexts({ context, contexts = {} }: Subject): Map<string, LocalContext> {
  return new Map(
    Object.entries({ context, ...contexts }).map(([name, directory]) => [
      name,
      { directory, ignore: compilePatterns(readIgnore(directory)) },
    ]),
  );
}

function readIgnore(directory: string): string[] {
  try {
    return readIgnoreFile(readFileSync(join(directory, '.dockerignore'), 'utf8'));
  } catch {
    return [];
  }
}

async function layersOf({ images }: Workspace, { identifier, platform }: SourceOp): Promise<readonly Digest[]> {
  const image = await images.resolve(schemeOf(identifier).rest, {
    platform: platform ?? hostPlatform(),
    pull: 'missing',
  });
  return image.config.rootfs.diff_ids;
}
