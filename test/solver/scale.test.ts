import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { createSolver, type Vertex } from '../../src/solver/index.ts';
import { MemoryCache } from './fakes.ts';

const observer = { started() {}, completed() {}, reporter: () => ({ log() {}, task() {} }) };

function makeVertex(name: string, inputs: readonly Vertex<string>[], byContent: boolean): Vertex<string> {
  return {
    digest: digestOf(name),
    name,
    inputs: inputs.map((vertex) => ({ vertex, index: 0 })),
    op: {
      cacheMap: async () => ({
        digest: digestOf(name),
        deps: inputs.map(() => (byContent ? { computeDigest: async (result: string) => digestOf(result) } : {})),
      }),
      exec: async () => [name],
    },
  };
}

function makeChain(length: number, byContent: boolean): Vertex<string> {
  let head = makeVertex('0', [], byContent);
  for (let i = 1; i < length; i++) head = makeVertex(String(i), [head], byContent);
  return head;
}

/** Milliseconds of processor time: the machine may be busy with other things. */
async function timeBuild(head: Vertex<string>, cache: MemoryCache): Promise<number> {
  const start = process.cpuUsage();
  await createSolver({ cache, observer }).build({ vertex: head, index: 0 });
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

for (const byContent of [false, true]) {
  const how = byContent ? 'content' : 'identity';
  test(`a chain of 10,000 vertices by ${how} is evaluated in linear time, without recursion`, async (t) => {
    const [short, long] = [makeChain(1000, byContent), makeChain(10_000, byContent)];
    await timeBuild(short, new MemoryCache());
    const [shortCache, longCache] = [new MemoryCache(), new MemoryCache()];
    const shortMs = await timeBuild(short, shortCache);
    const longMs = await timeBuild(long, longCache);
    t.is(longCache.records.size, 10_000);
    const cachedMs = await timeBuild(long, longCache);
    t.deepEqual(longCache.loaded.at(-1), '9999');
    t.log(`1,000: ${shortMs.toFixed(0)} ms, 10,000: ${longMs.toFixed(0)} ms, cached ${cachedMs.toFixed(0)} ms`);
    // Ten times the work; a quadratic evaluation would take a hundred times as long.
    t.true(longMs < 40 * Math.max(shortMs, 5), `${longMs} against ${shortMs}`);
  });
}

test('a wide and layered graph visits each vertex once', async (t) => {
  let layer = Array.from({ length: 30 }, (_, i) => makeVertex(`0/${i}`, [], false));
  for (let depth = 1; depth < 30; depth++) {
    const below = layer;
    layer = below.map((_, i) => makeVertex(`${depth}/${i}`, below, false));
  }
  const cache = new MemoryCache();
  await timeBuild(makeVertex('head', layer, false), cache);
  t.is(cache.saves, 901);
});
