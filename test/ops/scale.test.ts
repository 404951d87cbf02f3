import test from 'ava';
import { createObserver, type SolveSummary } from '../../src/build/observer.ts';
import { createCacheStorage, createClaims } from '../../src/cache/index.ts';
import type { Definition, Op, OpMetadata } from '../../src/llb/ops.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';
import { loadDefinition } from '../../src/ops/index.ts';
import type { OpResult } from '../../src/ops/types.ts';
import { createSolver } from '../../src/solver/index.ts';
import { openStore } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

/** A ladder of file ops: each stands on the one before it, and every other reads a content two below. */
function makeDefinition(size: number): Definition {
  const ops = new Map<Digest, Op>();
  const metadata = new Map<Digest, OpMetadata>();
  const digests: Digest[] = [];
  for (let i = 0; i < size; i++) {
    const digest = digestOf(`op ${i}`);
    const below = [digests[i - 1], i % 2 === 0 ? digests[i - 2] : undefined].filter((each) => each !== undefined);
    ops.set(digest, {
      type: 'file',
      inputs: below.map((input) => ({ digest: input, index: 0 })),
      base: below.length === 0 ? -1 : 0,
      actions: [],
    });
    metadata.set(digest, { name: `step ${i}` });
    digests.push(digest);
  }
  return { ops, metadata, head: { digest: digests.at(-1) ?? digestOf(''), index: 0 } };
}

/** Events and executions of a first build and of one that finds everything, with the real cache, claims and observer. */
async function buildTwice(size: number) {
  const root = makeTempDir('scale');
  const store = await openStore(root);
  const definition = makeDefinition(size);
  const counts: { readonly executed: number; readonly cached: number; readonly events: number }[] = [];
  for (let run = 0; run < 2; run++) {
    // The trees are not what is counted: all are the empty one.
    const cache = createCacheStorage(store, { claim: async () => undefined });
    const summary: SolveSummary = { executed: 0, cached: 0, failures: new Map() };
    let events = 0;
    const observer = createObserver<OpResult>(
      () => events++,
      summary,
      () => true,
    );
    const edge = loadDefinition(definition, (op) => ({
      cacheMap: async () => ({
        digest: digestOf(`map ${op.inputs.map(({ digest }) => digest).join()}`),
        deps: op.inputs.map((_, i) => (i === 0 ? {} : { computeDigest: async () => digestOf('content') })),
      }),
      exec: async () => [{ kind: 'snapshot', name: undefined }],
    }));
    if (edge === undefined) throw new Error('no head');
    await createSolver({ cache, observer, claims: createClaims(store) }).build(edge);
    await cache.flush();
    counts.push({ executed: summary.executed, cached: summary.cached, events });
  }
  await store.close();
  removeTree(root);
  return counts;
}

test('a definition of 10,000 ops is loaded, solved, shown and stored, with twice the events of 5,000', async (t) => {
  const [first, again] = await buildTwice(5000);
  const [large, largeAgain] = await buildTwice(10_000);
  t.like(large, { executed: 10_000, cached: 0 });
  t.like(largeAgain, { executed: 0, cached: 10_000 });
  t.is(large?.events, 2 * (first?.events ?? 0));
  t.is(largeAgain?.events, 2 * (again?.events ?? 0));
});
