import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createBuildKitKeys } from '../../src/buildkit/index.ts';
import { dockerfileToLLB, type MetaResolver } from '../../src/dockerfile/convert/index.ts';
import { compilePatterns, readIgnoreFile } from '../../src/dockerfile/ignore/index.ts';
import type { LocalResult } from '../../src/llb/results.ts';
import { native } from '../../src/native/index.ts';
import { digestEncoded, digestOf, MediaType, parsePlatform } from '../../src/oci/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { FIXTURES, type Fixture, fillIn, GIT_COMMIT, writeContext } from './fixtures.ts';
import { GOLDENS } from './goldens.ts';

/** What docker's own cache had for the fixtures, so that it is known where there is no docker to ask. */

const platform = parsePlatform('linux/amd64');
const digest = digestOf('base');
const REFS = new Map([
  ['', 'refs/heads/main'],
  ['main', 'refs/heads/main'],
  ['v1', 'refs/tags/v1'],
]);
const resolve = async () => ({
  digest,
  mediaType: MediaType.ociManifest,
  reference: `example.org/base:1@${digest}`,
  config: {
    os: 'linux',
    architecture: 'amd64',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers' as const, diff_ids: [digest] },
  },
});
const meta: MetaResolver = { resolveImageConfig: resolve, resolveLayoutConfig: resolve };

for (const fixture of FIXTURES) {
  test(`keys of ${fixture.name}`, async (t) => {
    const folder = makeTempDir('keys');
    t.teardown(() => removeTree(folder));
    const context = join(folder, 'context');
    mkdirSync(context);
    const hasAttributes = writeContext(context);
    const { steps, contents } = await listKeys(fixture, context, folder);
    const golden = GOLDENS[fixture.name];
    t.deepEqual(steps, golden?.steps.split(' '));
    if (hasAttributes) t.is(contents.join(' '), golden?.contents ?? '');
  });
}

/** The beginnings of the record digests of each step, and of what it reads of contexts. */
async function listKeys(
  fixture: Fixture,
  context: string,
  folder: string,
): Promise<{ readonly steps: readonly string[]; readonly contents: readonly string[] }> {
  const { buildArgs = {}, contexts = {}, hosts = {}, ignore } = fixture;
  const { signal } = new AbortController();
  if (ignore !== undefined) writeFileSync(join(context, '.dockerignore'), ignore);
  const { definition } = await dockerfileToLLB({
    source: fillIn(fixture, { base: 'example.org/base:1', git: 'https://example.org/repo.git' }),
    fileName: 'Dockerfile',
    buildArgs,
    targetPlatform: platform,
    buildPlatform: platform,
    network: 'host',
    extraHosts: Object.entries(hosts).map(([host, ip]) => ({ host, ip })),
    namedContexts: new Map(Object.keys(contexts).map((name) => [name, { type: 'local', name }])),
    meta,
  });
  const keys = createBuildKitKeys({
    hashContent: (request) => native.hashContent(request),
    view: () => ({ lowers: [] }),
    layersOf: async () => [digest],
    commitOf: async ({ identifier }) => {
      const ref = REFS.get(/^[^#]*#?([^:]*)/.exec(identifier)?.[1] ?? '');
      return { commit: GIT_COMMIT, ...(ref === undefined ? {} : { ref }) };
    },
    statCacheDirectory: join(folder, 'stat-cache'),
  });
  const trees = new Map<string, LocalResult>([
    ['local://context', { kind: 'local', directory: context, ignore: compilePatterns(readIgnoreFile(ignore ?? '')) }],
  ]);
  for (const [name, path] of Object.entries(contexts))
    trees.set(`local://${name}`, { kind: 'local', directory: join(context, path) });
  const steps: string[] = [];
  const contents: string[] = [];
  for (const op of definition.ops.values()) {
    const key = await keys.keyOf(op, signal);
    for (const record of key?.outputs.flat() ?? []) steps.push(digestEncoded(record).slice(0, 10));
    for (const { input, contentDigest, fixed } of key?.deps ?? []) {
      if (fixed !== undefined) contents.push(digestEncoded(fixed.content).slice(0, 10));
      const source = definition.ops.get(op.inputs[input]?.digest ?? 'sha256:');
      const tree = source?.type === 'source' ? trees.get(source.identifier) : undefined;
      const content = tree && (await contentDigest?.(tree, signal));
      if (content !== undefined) contents.push(digestEncoded(content).slice(0, 10));
    }
  }
  return { steps, contents };
}
