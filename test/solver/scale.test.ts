import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { type CacheDep, createSolver, type Edge, type SolveObserver, type Vertex } from '../../src/solver/index.ts';
import { MemoryCache } from './fakes.ts';

/** Counts every call out of a solve: what it costs, without a clock. */
class Counts {
  readonly calls = new Map<string, number>();

  add(name: string): void {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  get total(): number {
    return [...this.calls.values()].reduce((sum, count) => sum + count, 0);
  }
}

function countCalls<T extends object>(target: T, counts: Counts): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        counts.add(String(name));
        return Reflect.apply(value, object, args);
      };
    },
  });
}

const OBSERVER: SolveObserver<string> = {
  started() {},
  completed() {},
  keyed() {},
  reporter: () => ({ log() {}, task() {} }),
};

type Below = readonly { readonly vertex: Vertex<string>; readonly byContent: boolean }[];

/** Edges counted too: a vertex with a thousand inputs is a thousand times the work of one with one. */
class Graph {
  readonly counts = new Counts();
  edges = 0;

  vertex(name: string, below: Below = []): Vertex<string> {
    const { counts } = this;
    this.edges += 1 + below.length;
    const digest = digestOf(name);
    const deps = below.map(({ byContent }): CacheDep<string> => {
      if (!byContent) return {};
      const computeDigest = async (result: string) => {
        counts.add('computeDigest');
        return digestOf(result);
      };
      return { computeDigest };
    });
    return {
      digest,
      name,
      inputs: below.map(({ vertex }) => ({ vertex, index: 0 })),
      op: {
        async cacheMap() {
          counts.add('cacheMap');
          return { digest, deps };
        },
        async exec() {
          counts.add('exec');
          return [name];
        },
      },
    };
  }
}

const SHAPES: Readonly<Record<string, (graph: Graph, size: number, byContent: boolean) => Vertex<string>>> = {
  chain(graph, size, byContent) {
    let head = graph.vertex('0');
    for (let i = 1; i < size; i++) head = graph.vertex(String(i), [{ vertex: head, byContent }]);
    return head;
  },
  fan(graph, size, byContent) {
    const all = Array.from({ length: size - 1 }, (_, i) => ({ vertex: graph.vertex(String(i)), byContent }));
    return graph.vertex('head', all);
  },
  /** Two rails, each rung on both: 2^n ways lead down. */
  ladder(graph, size, byContent) {
    let [left, right] = [graph.vertex('l'), graph.vertex('r')];
    for (let i = 1; i < size / 2; i++) {
      const below: Below = [
        { vertex: left, byContent: false },
        { vertex: right, byContent },
      ];
      [left, right] = [graph.vertex(`l${i}`, below), graph.vertex(`r${i}`, below)];
    }
    return graph.vertex('head', [
      { vertex: left, byContent },
      { vertex: right, byContent: false },
    ]);
  },
  /** A square net, each knot on two of the row below. */
  lattice(graph, size, byContent) {
    const width = 50;
    let row = Array.from({ length: width }, (_, i) => graph.vertex(`0/${i}`));
    for (let depth = 1; depth < size / width; depth++) {
      const below = row;
      row = below.map((vertex, i) =>
        graph.vertex(`${depth}/${i}`, [
          { vertex, byContent: false },
          { vertex: below[(i + 1) % width] as Vertex<string>, byContent },
        ]),
      );
    }
    return graph.vertex(
      'head',
      row.map((vertex) => ({ vertex, byContent })),
    );
  },
};

/** What a first build, an unchanged one, and one whose inputs were forgotten cost; all keys are told, all vertices completed. */
async function solveThrice(head: Vertex<string>, counts: Counts): Promise<readonly number[]> {
  const memory = new MemoryCache();
  const cache = countCalls(memory, counts);
  const observer = countCalls(OBSERVER, counts);
  const edge: Edge<string> = { vertex: head, index: 0 };
  const costs: number[] = [];
  for (const before of [
    () => {},
    () => {},
    () => {
      memory.contents.clear();
      const [, ...inputs] = [...memory.records.keys()].toReversed();
      for (const identity of inputs) memory.records.delete(identity);
    },
  ]) {
    before();
    counts.calls.clear();
    await createSolver({ cache, observer, maxParallelism: 4 }).build(edge);
    costs.push(counts.total);
  }
  return costs;
}

for (const [shape, make] of Object.entries(SHAPES))
  for (const byContent of [false, true])
    test(`a ${shape} of 10,000 vertices by ${byContent ? 'content' : 'identity'} costs twice that of 5,000`, async (t) => {
      const measure = async (size: number) => {
        const graph = new Graph();
        const costs = await solveThrice(make(graph, size, byContent), graph.counts);
        return { costs, edges: graph.edges };
      };
      const small = await measure(5000);
      const large = await measure(10_000);
      for (const [i, cost] of large.costs.entries()) {
        t.true(cost <= 2.1 * (small.costs[i] ?? 0), `${cost} calls against ${small.costs[i]}`);
        t.true(cost <= 14 * large.edges, `${cost} calls for ${large.edges} vertices and edges`);
      }
    });

test('a wide and layered graph visits each vertex once', async (t) => {
  const graph = new Graph();
  let layer = Array.from({ length: 30 }, (_, i) => graph.vertex(`0/${i}`));
  for (let depth = 1; depth < 30; depth++) {
    const below = layer.map((vertex) => ({ vertex, byContent: false }));
    layer = below.map((_, i) => graph.vertex(`${depth}/${i}`, below));
  }
  const cache = new MemoryCache();
  const head = graph.vertex(
    'head',
    layer.map((vertex) => ({ vertex, byContent: false })),
  );
  await createSolver({ cache, observer: OBSERVER }).build({ vertex: head, index: 0 });
  t.is(cache.saves, 901);
  t.is(graph.counts.calls.get('exec'), 901);
});

test('the memory that a solve takes goes with it, and is linear', async (t) => {
  const collect = (globalThis as { gc?: () => void }).gc;
  const measure = async (size: number): Promise<number> => {
    const head = SHAPES.ladder?.(new Graph(), size, true);
    if (head === undefined) return 0;
    collect?.();
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    const cache = new MemoryCache();
    const observer: SolveObserver<string> = {
      ...OBSERVER,
      completed() {
        most = Math.max(most, process.memoryUsage().heapUsed - before);
      },
    };
    await createSolver({ cache, observer }).build({ vertex: head, index: 0 });
    return most;
  };
  await measure(1000);
  const bytes = await measure(10_000);
  t.log(`${(bytes / 10_000 / 1024).toFixed(1)} KiB a vertex`);
  // Garbage that nobody has collected yet counts as well.
  t.true(bytes < 10_000 * 40 * 1024, `${bytes} bytes`);
});
