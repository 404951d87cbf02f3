import { join } from 'node:path';
import { FIXTURES, type Fixture } from './fixtures.ts';
import { keyGraph } from './graph.ts';
import { type Peer, type Prepared, prepare, testWithPeer } from './peer.ts';
import { type Comparison, compareRecords, readRecords } from './records.ts';

/** Builds with docker, exports its cache, and finds every record and link of it by our keys. */

let steps = 0;

for (const fixture of FIXTURES) {
  testWithPeer(`docker's records are found by our keys: ${fixture.name}`, async (t, peer) => {
    const { faults, found } = await compare(fixture, peer);
    t.deepEqual(faults, []);
    steps += found;
  });
}

testWithPeer('the fixtures are many steps', async (t) => {
  t.true(steps > 150, `${steps}`);
});

testWithPeer("what stands on a directory as a base is in no cache of docker's", async (t, peer) => {
  const dockerfile = `FROM more
COPY a /made/a
WORKDIR /w
FROM {BASE}
COPY --from=0 /made/a /a
`;
  const { cache } = await exportByDocker({ name: 'base-directory', dockerfile, contexts: { more: 'other' } }, peer);
  t.is(readRecords(cache).filter(({ layers }) => layers !== undefined).length, 1);
});

async function compare(fixture: Fixture, peer: Peer): Promise<Comparison> {
  const { cache, context, text, secret, contexts } = await exportByDocker(fixture, peer);
  const graph = await keyGraph(join(peer.root, 'store'), {
    context,
    dockerfile: text,
    network: 'host',
    buildArgs: fixture.buildArgs ?? {},
    contexts,
    extraHosts: Object.entries(fixture.hosts ?? {}).map(([host, ip]) => ({ host, ip })),
    secrets: fixture.secret === undefined ? [] : [{ id: fixture.secret, file: secret }],
  });
  return compareRecords(readRecords(cache), graph);
}

/** Builds with docker; `cache` is the directory that it left its cache in. */
async function exportByDocker(fixture: Fixture, peer: Peer): Promise<Prepared & { readonly cache: string }> {
  const folder = join(peer.root, fixture.name);
  const prepared = prepare(fixture, folder, peer);
  const cache = join(folder, 'cache');
  const output = ['--provenance=false', '--output=type=cacheonly', `--cache-to=type=local,dest=${cache},mode=max`];
  const built = await peer.docker.run(['buildx', 'build', ...output, ...prepared.flags]);
  if (built.code !== 0) throw new Error(built.stderr);
  return { ...prepared, cache };
}
