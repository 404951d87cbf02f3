import test from 'ava';
import { TsbuildError } from '../../src/errors.ts';
import type { ForeignCache } from '../../src/solver/index.ts';
import { buildSteps, MemoryCache, type Steps } from './fakes.ts';

/** Has what it is told to have, and writes down what it was asked: `name(inputs that are there)`. */
function createForeign(
  has: (name: string, inputs: readonly (string | undefined)[]) => string | undefined,
): ForeignCache<string> & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async find({ name }, inputs, { isDefinitionSound }) {
      asked.push(`${name}(${inputs.map((input) => input ?? '-').join()})${isDefinitionSound ? '' : '!'}`);
      const result = has(name, inputs);
      return result === undefined ? undefined : { results: [result] };
    },
  };
}

const steps: Steps = {
  tool: { make: () => 'bin=1' },
  base: {},
  image: { inputs: ['base', '~tool'], make: () => 'image' },
  run: { inputs: ['image'] },
};

test('what others made of the same definition is used, and nothing below it is made', async (t) => {
  const cache = new MemoryCache();
  const foreign = createForeign((name) => (name === 'image' ? 'their image' : undefined));
  const first = await buildSteps(steps, 'run', { cache, foreign });
  t.deepEqual([first.executed, first.result], [['run'], 'run(their image)']);
  t.deepEqual(foreign.asked, ['run(-)', 'image(-,-)', 'run(their image)']);
  t.true(first.origins.includes('image: foreign'));
  t.true(first.origins.includes('tool: store'));
  const again = await buildSteps(steps, 'run', { cache, foreign: createForeign(() => undefined) });
  t.deepEqual([again.executed, again.result], [[], 'run(their image)']);
});

test('it is asked once more when what is read is made, and then about what stands on that', async (t) => {
  const foreign = createForeign((name, inputs) =>
    name === 'image' && inputs[1] === 'bin=1' ? 'their image' : undefined,
  );
  const { executed, result } = await buildSteps(steps, 'run', { cache: new MemoryCache(), foreign });
  t.deepEqual([executed, result], [['tool', 'run'], 'run(their image)']);
  t.deepEqual(foreign.asked, ['run(-)', 'image(-,-)', 'tool()', 'image(-,bin=1)', 'run(their image)']);
});

test('of what is not read it is asked once, with the local files that are there', async (t) => {
  const foreign = createForeign(() => undefined);
  const local: Steps = {
    context: { cacheable: false, make: () => 'files' },
    copy: { inputs: ['~context'] },
    run: { inputs: ['copy'] },
  };
  const cache = new MemoryCache();
  await buildSteps(local, 'run', { cache, foreign });
  t.deepEqual(foreign.asked, ['run(-)', 'copy(files)']);
  const again = createForeign(() => undefined);
  await buildSteps(local, 'run', { cache, foreign: again });
  t.deepEqual(again.asked, [], 'nor of what the store has');
});

test('what is to run again is not asked for, and what reads it only by content', async (t) => {
  const foreign = createForeign((name) => `their ${name}`);
  const refreshed: Steps = { ...steps, tool: { ignoreCache: true, make: () => 'bin=2' } };
  const { executed, result } = await buildSteps(refreshed, 'image', { cache: new MemoryCache(), foreign });
  t.deepEqual([executed, result], [['tool'], 'their image']);
  t.deepEqual(foreign.asked, ['image(-,bin=2)!']);
  const all = createForeign((name) => `their ${name}`);
  const none = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, { ...step, ignoreCache: true }]));
  await buildSteps(none, 'run', { cache: new MemoryCache(), foreign: all });
  t.deepEqual(all.asked, []);
});

test('a foreign cache that fails, fails the build at the vertex it was asked about', async (t) => {
  const foreign: ForeignCache<string> = { find: () => Promise.reject(new Error('no such manifest')) };
  const error = await t.throwsAsync(buildSteps(steps, 'run', { cache: new MemoryCache(), foreign }));
  t.is(error?.message, 'no such manifest');
});

test('what a foreign cache turns out not to have is made, and nothing of the build is lost', async (t) => {
  const cache = new MemoryCache();
  let isLost = false;
  const foreign = createForeign((name) => (name === 'image' && !isLost ? 'their image' : undefined));
  const losing: Steps = {
    ...steps,
    run: {
      inputs: ['image'],
      make([input = '']) {
        if (input !== 'their image') return `run(${input})`;
        isLost = true;
        // What is not here is not kept by a store.
        cache.gone.add('image');
        throw new TsbuildError('CACHE_LAYER_LOST', 'a layer cannot be had');
      },
    },
  };
  const { executed, result } = await buildSteps(losing, 'run', { cache, foreign });
  t.is(result, 'run(image)');
  t.deepEqual(executed.toSorted(), ['base', 'image', 'run', 'tool']);
});
