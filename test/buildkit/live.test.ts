import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startBaseRegistry } from '../support/base-registry.ts';
import { type Dockerd, startDockerd } from '../support/dockerd.ts';
import { findNewestDocker } from '../support/newest-docker.ts';
import type { Registry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { FIXTURES, type Fixture, writeContext } from './fixtures.ts';
import { keyGraph } from './graph.ts';
import { type Comparison, compareRecords, readRecords } from './records.ts';

/** Builds with docker, exports its cache, and finds every record and link of it by our keys. */

let peer: { readonly docker: Dockerd; readonly registry: Registry; readonly root: string } | undefined;

test.before(async () => {
  const programs = await findNewestDocker();
  if (programs === undefined) return;
  const registry = await startBaseRegistry(['busybox']);
  peer = { docker: await startDockerd({ programs, containerdStore: true }), registry, root: makeTempDir('keys') };
});

test.after.always(async () => {
  await peer?.docker.stop();
  await peer?.registry.stop();
  if (peer !== undefined) removeTree(peer.root);
});

let steps = 0;

for (const fixture of FIXTURES) {
  test.serial(`docker's records are found by our keys: ${fixture.name}`, async (t) => {
    if (peer === undefined) {
      t.log('no docker that is new enough could be fetched or run here');
      t.pass();
      return;
    }
    const folder = join(peer.root, fixture.name);
    const { faults, found } = await compare(fixture, peer, folder);
    t.deepEqual(faults, []);
    steps += found;
  });
}

test.serial('the fixtures are many steps', (t) => {
  if (peer === undefined) t.pass();
  else t.true(steps > 150, `${steps}`);
});

async function compare(
  { dockerfile, buildArgs = {}, contexts = {}, hosts = {}, ignore, secret }: Fixture,
  { docker, registry, root }: NonNullable<typeof peer>,
  folder: string,
): Promise<Comparison> {
  const [context, cache] = [join(folder, 'context'), join(folder, 'cache')];
  mkdirSync(context, { recursive: true });
  writeContext(context);
  if (ignore !== undefined) writeFileSync(join(context, '.dockerignore'), ignore);
  const text = dockerfile.replaceAll('{BASE}', `${registry.host}/busybox:1`);
  writeFileSync(join(folder, 'Dockerfile'), text);
  writeFileSync(join(folder, 'secret'), 'sesame');
  const places = mapValues(contexts, (path) => join(context, path));
  const built = await docker.run([
    'buildx',
    'build',
    '--network=host',
    '--provenance=false',
    '--output=type=cacheonly',
    `--cache-to=type=local,dest=${cache},mode=max`,
    ...Object.entries(buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...Object.entries(places).map(([name, path]) => `--build-context=${name}=${path}`),
    ...Object.entries(hosts).map(([name, address]) => `--add-host=${name}:${address}`),
    ...(secret === undefined ? [] : [`--secret=id=${secret},src=${join(folder, 'secret')}`]),
    `--file=${join(folder, 'Dockerfile')}`,
    context,
  ]);
  if (built.code !== 0) throw new Error(built.stderr);
  const graph = await keyGraph(join(root, 'store'), {
    context,
    dockerfile: text,
    network: 'host',
    buildArgs,
    contexts: places,
    extraHosts: Object.entries(hosts).map(([host, ip]) => ({ host, ip })),
    secrets: secret === undefined ? [] : [{ id: secret, file: join(folder, 'secret') }],
  });
  return compareRecords(readRecords(cache), graph);
}

function mapValues(record: Readonly<Record<string, string>>, map: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
