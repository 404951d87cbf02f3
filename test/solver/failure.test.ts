import test from 'ava';
import { TsbuildError } from '../../src/errors.ts';
import { buildSteps, MemoryCache, makeEdge, makeTrace, type Steps, startSteps } from './fakes.ts';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Runs until it is aborted, then needs a moment to end. */
function stubborn(ended: string[], name: string): { readonly make: NonNullable<Steps[string]['make']> } {
  return {
    make: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () =>
          setTimeout(() => {
            ended.push(name);
            reject(new Error(`${name} was stopped`));
          }, 20),
        );
      }),
  };
}

test('the first error wins, aborts the others, and waits until they have ended', async (t) => {
  const ended: string[] = [];
  const trace = makeTrace();
  const steps: Steps = {
    bad: { make: () => sleep(5).then(() => Promise.reject(new Error('exit code 1'))) },
    slow: stubborn(ended, 'slow'),
    after: { inputs: ['slow'] },
    all: { inputs: ['bad', 'after'] },
  };
  const error = await t.throwsAsync(startSteps(steps, 'all', trace, { cache: new MemoryCache() }));
  t.is(error?.message, 'exit code 1');
  t.deepEqual(ended, ['slow']);
  t.deepEqual(trace.failed, ['bad', 'slow']);
  t.deepEqual(trace.executed, []);
});

test('an abort rejects with its reason once everything has ended', async (t) => {
  const ended: string[] = [];
  const trace = makeTrace();
  const steps: Steps = { one: stubborn(ended, 'one'), two: stubborn(ended, 'two'), all: { inputs: ['one', 'two'] } };
  const controller = new AbortController();
  const build = startSteps(steps, 'all', trace, { cache: new MemoryCache(), signal: controller.signal });
  setTimeout(() => controller.abort(new Error('Ctrl-C')), 10);
  t.is((await t.throwsAsync(build))?.message, 'Ctrl-C');
  t.deepEqual(ended.toSorted(), ['one', 'two']);
});

test('an abort before the start runs nothing', async (t) => {
  const trace = makeTrace();
  const signal = AbortSignal.abort(new Error('too late'));
  const build = startSteps({ a: {} }, 'a', trace, { cache: new MemoryCache(), signal });
  t.is((await t.throwsAsync(build))?.message, 'too late');
  t.deepEqual(trace.events, []);
});

test('steps that wait for a slot do not start after a failure', async (t) => {
  const trace = makeTrace();
  const steps: Steps = {
    bad: { make: () => sleep(5).then(() => Promise.reject(new Error('bad'))) },
    next: {},
    all: { inputs: ['bad', 'next'] },
  };
  await t.throwsAsync(startSteps(steps, 'all', trace, { cache: new MemoryCache(), maxParallelism: 1 }));
  t.deepEqual(trace.events, ['key bad', 'start bad', 'end bad']);
});

test('a failure of a key, or of a content digest, is the failure of its vertex', async (t) => {
  const fail = () => Promise.reject(new Error('"/x": not found'));
  for (const steps of [
    { base: {}, copy: { inputs: ['base'], cacheMap: fail }, run: { inputs: ['copy'] } },
    { base: {}, copy: { inputs: ['~base'], digest: fail }, run: { inputs: ['copy'] } },
  ] satisfies Steps[]) {
    const trace = makeTrace();
    const error = await t.throwsAsync(startSteps(steps, 'run', trace, { cache: new MemoryCache() }));
    t.is(error?.message, '"/x": not found');
    t.deepEqual(trace.failed, ['copy']);
  }
});

test('what was finished before a failure is found by the next build', async (t) => {
  const cache = new MemoryCache();
  const steps = (make: () => Promise<string>): Steps => ({
    base: {},
    work: { inputs: ['base'] },
    bad: { inputs: ['work'], make },
  });
  await t.throwsAsync(
    buildSteps(
      steps(() => Promise.reject(new Error('no'))),
      'bad',
      { cache },
    ),
  );
  const again = await buildSteps(
    steps(async () => 'good'),
    'bad',
    { cache },
  );
  t.deepEqual([again.executed, again.cached], [['bad'], ['base', 'work']]);
});

test('a storage that cannot save fails the build', async (t) => {
  class FullCache extends MemoryCache {
    override save(): Promise<void> {
      return Promise.reject(new Error('disk full'));
    }
  }
  const error = await t.throwsAsync(buildSteps({ a: {} }, 'a', { cache: new FullCache() }));
  t.is(error?.message, 'disk full');
});

test('a context that changes under an op is looked at again, and nothing of it is saved', async (t) => {
  const cache = new MemoryCache();
  let files = 'a=1';
  let other = 0;
  const steps: Steps = {
    context: { cacheable: false, make: () => files },
    copy: {
      inputs: ['~context'],
      make([now]) {
        if (files === 'a=1') files = 'a=2';
        if (now !== files) throw new TsbuildError('CONTEXT_CHANGED', 'changed');
        return `copied ${now}`;
      },
    },
    long: {
      async make(_, { signal }) {
        other += 1;
        await sleep(20);
        signal.throwIfAborted();
        return 'long';
      },
    },
    all: { inputs: ['copy', 'long'] },
  };
  const { result } = await buildSteps(steps, 'all', { cache });
  t.is(result, 'all(copied a=2,long)');
  t.is(other, 1, 'a step that was running is let finish, and not run again');
  t.deepEqual([...cache.records.values()].map(({ name }) => name).toSorted(), ['all', 'copy', 'long']);
});

test('a context that never stops changing fails the build', async (t) => {
  let looks = 0;
  const steps: Steps = {
    context: { cacheable: false, make: () => `${looks++}` },
    copy: { inputs: ['~context'], make: () => Promise.reject(new TsbuildError('CONTEXT_CHANGED', 'changed again')) },
  };
  const cache = new MemoryCache();
  t.is((await t.throwsAsync(buildSteps(steps, 'copy', { cache })))?.message, 'changed again');
  t.is(looks, 3);
  t.is(cache.records.size, 0);
});

test('a lost result that comes out differently does not lend its old content to keys', async (t) => {
  const cache = new MemoryCache();
  let time = 1;
  const steps: Steps = {
    stamp: { make: () => `time=${time}` },
    copy: { inputs: ['~stamp'] },
    run: { inputs: ['copy'], ignoreCache: true },
  };
  await buildSteps(steps, 'run', { cache });
  time = 2;
  cache.gone.add('stamp').add('copy');
  const again = await buildSteps(steps, 'run', { cache });
  t.is(again.result, 'run(copy(time=2))');
  const copies = [...cache.records.values()]
    .filter(({ name }) => name === 'copy')
    .map(({ results }) => String(results[0]));
  t.deepEqual(copies.toSorted(), ['copy(time=1)', 'copy(time=2)'], 'each under its own key');
  time = 3;
  cache.gone.add('stamp').add('copy');
  const third = await buildSteps(steps, 'run', { cache });
  t.is(third.result, 'run(copy(time=3))');
  t.is(third.executed.filter((name) => name === 'stamp').length, 1);
});

test('a graph that leads back to itself is refused', async (t) => {
  const trace = makeTrace();
  const { vertex } = makeEdge({ a: {} }, 'a', trace);
  const loop = { ...vertex, inputs: [{ vertex: { ...vertex, inputs: [] }, index: 0 }] };
  const { createSolver } = await import('../../src/solver/index.ts');
  const observer = { started() {}, completed() {}, reporter: () => ({ log() {}, task() {} }) };
  const solver = createSolver<string>({ cache: new MemoryCache(), observer });
  await t.throwsAsync(solver.build({ vertex: loop, index: 0 }), { message: /depends on itself/ });
});
