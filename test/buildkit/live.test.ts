import { join } from 'node:path';
import { FIXTURES, type Fixture } from './fixtures.ts';
import { keyGraph } from './graph.ts';
import { type Peer, prepare, testWithPeer } from './peer.ts';
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

async function compare(fixture: Fixture, peer: Peer): Promise<Comparison> {
  const { docker, root } = peer;
  const folder = join(root, fixture.name);
  const { context, text, secret, contexts, flags } = prepare(fixture, folder, peer);
  const cache = join(folder, 'cache');
  const output = ['--provenance=false', '--output=type=cacheonly', `--cache-to=type=local,dest=${cache},mode=max`];
  const built = await docker.run(['buildx', 'build', ...output, ...flags]);
  if (built.code !== 0) throw new Error(built.stderr);
  const graph = await keyGraph(join(root, 'store'), {
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
