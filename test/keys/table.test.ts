// The table of what may run again: each row is a change of a Dockerfile, a context or a flag, with real builds before and after.

import test from 'ava';
import { BASE_NEEDS } from '../support/bases.ts';
import { makeLimit } from '../support/limit.ts';
import type { Need } from '../support/machine.ts';
import { testNeeding } from '../support/needs.ts';
import { findNewestDocker } from '../support/newest-docker.ts';
import { SCENARIOS } from './rows/index.ts';
import { type BuilderName, openWorld, type World } from './world.ts';

/** Docker's BuildKit is asked too, as in peers/compare.test.ts; prove.ts asks it alone. */
const WITH_PEER = process.env.TSBUILD_TEST_PEERS === 'all' && (await findNewestDocker()) !== undefined;
const NAMES: readonly BuilderName[] = WITH_PEER ? ['tsbuild', 'buildkit'] : ['tsbuild'];
const NEEDS: readonly Need[] = ['root', 'docker-registry', 'skopeo', 'python3', ...BASE_NEEDS.busybox];

let world: Promise<World> | undefined;
const limit = makeLimit(4);
test.after.always(async () => (await world)?.stop());

for (const scenario of SCENARIOS) {
  for (const name of NAMES) {
    if (name === 'buildkit' && scenario.noPeer !== undefined) continue;
    testNeeding(NEEDS, `${scenario.name}, by ${name}`, async (t) => {
      world ??= openWorld(NAMES);
      const opened = await world;
      const results = await limit(() => opened.run(scenario, name));
      for (const { row, expected, executed } of results) t.deepEqual(executed, expected, row.change);
    });
  }
}

test('the table has no row twice', (t) => {
  for (const { name, rows } of SCENARIOS) t.is(new Set(rows.map((row) => row.change)).size, rows.length, name);
});
