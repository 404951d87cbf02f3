import test from 'ava';
import type { Digest } from '../../src/oci/index.ts';
import type { Claims } from '../../src/solver/index.ts';
import { buildSteps, MemoryCache, makeTrace, type Steps, startSteps } from './fakes.ts';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Claims of one process, with counts. */
class MemoryClaims implements Claims {
  readonly held = new Set<Digest>();
  taken = 0;
  waits = 0;

  async tryTake(identity: Digest): Promise<{ release(): void } | undefined> {
    if (this.held.has(identity)) return undefined;
    this.held.add(identity);
    this.taken += 1;
    return { release: () => void this.held.delete(identity) };
  }

  async take(identity: Digest, signal: AbortSignal, onWait: () => void): Promise<{ release(): void }> {
    this.waits += 1;
    for (;;) {
      signal.throwIfAborted();
      const claim = await this.tryTake(identity);
      if (claim !== undefined) return claim;
      onWait();
      await sleep(1);
    }
  }
}

/** Counts how often a step runs, and how many at once. */
function countRuns(ms = 20) {
  const runs = { total: 0, now: 0, most: 0 };
  const make = async (inputs: readonly string[]): Promise<string> => {
    runs.total += 1;
    runs.now += 1;
    runs.most = Math.max(runs.most, runs.now);
    await sleep(ms);
    runs.now -= 1;
    return `made(${inputs.join()})`;
  };
  return { runs, make };
}

test('two builds at once execute equal steps once, and the second says where its result came from', async (t) => {
  const { runs, make } = countRuns();
  const steps: Steps = { base: {}, work: { inputs: ['base'], make }, more: { inputs: ['work'], make } };
  const [cache, claims] = [new MemoryCache(), new MemoryClaims()];
  const both = await Promise.all(['more', 'more'].map((head) => buildSteps(steps, head, { cache, claims })));
  t.is(runs.total, 2);
  t.is(both[0]?.result, both[1]?.result);
  const origins = both.flatMap((each) => each.origins).filter((origin) => origin.startsWith('work'));
  t.deepEqual(origins.toSorted(), ['work: run', 'work: shared']);
  t.is(claims.held.size, 0);
});

test('what failed, or was cancelled, is done by who waited for it', async (t) => {
  const [cache, claims] = [new MemoryCache(), new MemoryClaims()];
  let tries = 0;
  const failing: Steps = {
    work: {
      async make() {
        const isFirst = tries++ === 0;
        await sleep(20);
        if (isFirst) throw new Error('exit code 1');
        return 'done';
      },
    },
  };
  const [first, second] = await Promise.allSettled([0, 1].map(() => buildSteps(failing, 'work', { cache, claims })));
  t.is(first?.status, 'rejected');
  t.is(second?.status === 'fulfilled' && second.value.result, 'done');
  t.is(tries, 2);

  tries = 0;
  cache.forget('work');
  // The first ends by its abort alone, whatever a clock says.
  const endless: Steps = {
    work: {
      make: (_, { signal }) =>
        tries++ > 0
          ? 'done'
          : new Promise<string>((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason));
            }),
    },
  };
  const controller = new AbortController();
  const cancelled = buildSteps(endless, 'work', { cache, claims, signal: controller.signal });
  const waiting = buildSteps(endless, 'work', { cache, claims });
  setTimeout(() => controller.abort(new Error('Ctrl-C')), 5);
  await t.throwsAsync(cancelled, { message: 'Ctrl-C' });
  t.deepEqual((await waiting).executed, ['work']);
  t.is(claims.held.size, 0);
});

test('who waits takes no slot, ends at once when aborted, and is shown as waiting', async (t) => {
  const [cache, claims] = [new MemoryCache(), new MemoryClaims()];
  const steps: Steps = {
    long: { make: () => 'long' },
    other: { make: () => 'other' },
    all: { inputs: ['long', 'other'] },
  };
  // Somebody else has the claim on `long` and keeps it.
  await buildSteps(steps, 'long', { cache });
  const [identity] = [...cache.records.keys()];
  cache.records.clear();
  const claim = await claims.tryTake(identity as Digest);
  const trace = makeTrace();
  const controller = new AbortController();
  const build = startSteps(steps, 'all', trace, { cache, claims, maxParallelism: 1, signal: controller.signal });
  await sleep(20);
  t.deepEqual(trace.executed, ['other']);
  t.true(trace.tasks.has('long: waiting for the same step of another build'));
  controller.abort(new Error('Ctrl-C'));
  await t.throwsAsync(build, { message: 'Ctrl-C' });
  claim?.release();
  t.is(claims.held.size, 0);
});

test('a failure beside it ends a wait', async (t) => {
  const [cache, claims] = [new MemoryCache(), new MemoryClaims()];
  const steps: Steps = {
    long: {},
    bad: { make: () => sleep(10).then(() => Promise.reject(new Error('bad'))) },
    all: { inputs: ['long', 'bad'] },
  };
  await buildSteps(steps, 'long', { cache });
  const [identity] = [...cache.records.keys()];
  cache.records.clear();
  await claims.tryTake(identity as Digest);
  await t.throwsAsync(buildSteps(steps, 'all', { cache, claims }), { message: 'bad' });
});

test('no claim is taken for what runs whatever others do', async (t) => {
  const [cache, claims] = [new MemoryCache(), new MemoryClaims()];
  const { runs, make } = countRuns();
  const steps: Steps = {
    context: { cacheable: false, make: () => 'files' },
    volatile: { inputs: ['context'], make },
    fresh: { ignoreCache: true, make },
    all: { inputs: ['volatile', 'fresh'] },
  };
  await Promise.all([0, 1].map(() => buildSteps(steps, 'all', { cache, claims })));
  t.deepEqual([runs.total, claims.taken], [4, 0]);
});

test('many builds of many overlapping graphs end, with few slots each, and each step ran once', async (t) => {
  const [cache, claims] = [new MemoryCache(), new MemoryClaims()];
  const { runs, make } = countRuns(1);
  const depth = 12;
  const width = 4;
  const steps: Record<string, Steps[string]> = {};
  for (let level = 0; level < depth; level++)
    for (let i = 0; i < width; i++) {
      const below = level === 0 ? [] : [`s${level - 1}_${i}`, `~s${level - 1}_${(i + 1) % width}`];
      steps[`s${level}_${i}`] = { inputs: below, make };
    }
  // The results are equal where their names are not needed to tell them apart.
  const heads = Array.from({ length: 24 }, (_, i) => `s${depth - 1 - (i % 3)}_${i % width}`);
  await Promise.all(heads.map((head, i) => buildSteps(steps, head, { cache, claims, maxParallelism: 1 + (i % 3) })));
  t.is(runs.total, depth * width);
  t.is(claims.held.size, 0);
});

test('the holder of a claim needs no other: builds that want the same two steps in opposite order end', async (t) => {
  const [cache, claims] = [new MemoryCache(), new MemoryClaims()];
  const { runs, make } = countRuns(3);
  const steps: Steps = {
    a: { make },
    b: { make },
    ab: { inputs: ['a', 'b'], make },
    ba: { inputs: ['b', 'a'], make },
    a2: { inputs: ['a'], make },
    b2: { inputs: ['b'], make },
    x: { inputs: ['a2', 'b2', 'ab'], make },
    y: { inputs: ['b2', 'a2', 'ba'], make },
  };
  await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      buildSteps(steps, i % 2 === 0 ? 'x' : 'y', { cache, claims, maxParallelism: 1 }),
    ),
  );
  t.is(runs.total, 8);
});
