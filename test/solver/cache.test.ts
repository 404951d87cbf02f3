import test from 'ava';
import { buildSteps, MemoryCache, type Steps } from './fakes.ts';

/** A local directory of files `a=… b=…`. */
const context = (text: string) => ({ cacheable: false, make: () => text });

const image = (files: string): Steps => ({
  base: {},
  context: context(files),
  deps: { inputs: ['base', '~context:a'], make: ([base]) => `deps(${base})` },
  install: { inputs: ['deps'] },
  sources: { inputs: ['install', '~context:b'], make: ([install]) => `sources(${install})` },
  compile: { inputs: ['sources'] },
});

test('an unchanged build executes nothing and loads the head alone', async (t) => {
  const cache = new MemoryCache();
  const first = await buildSteps(image('a=1 b=1'), 'compile', { cache });
  t.deepEqual(first.executed.toSorted(), ['base', 'compile', 'context', 'deps', 'install', 'sources']);

  const second = await buildSteps(image('a=1 b=1'), 'compile', { cache });
  t.deepEqual(second.executed, ['context']);
  t.deepEqual(second.loaded, ['compile']);
  t.deepEqual(second.cached, ['base', 'deps', 'install', 'sources', 'compile']);
  t.deepEqual(cache.touched.toSorted(), ['base', 'compile', 'deps', 'install', 'sources']);
  t.is(second.result, first.result);
});

const changes: readonly { readonly title: string; readonly files: string; readonly executed: readonly string[] }[] = [
  { title: 'of what the last copy reads', files: 'a=1 b=2', executed: ['compile', 'context', 'sources'] },
  {
    title: 'of what the first copy reads',
    files: 'a=2 b=1',
    executed: ['compile', 'context', 'deps', 'install', 'sources'],
  },
  { title: 'of what nobody reads', files: 'a=1 b=1 c=9', executed: ['context'] },
];
for (const { title, files, executed } of changes) {
  test(`a change ${title} runs exactly what reads it`, async (t) => {
    const cache = new MemoryCache();
    await buildSteps(image('a=1 b=1'), 'compile', { cache });
    const again = await buildSteps(image(files), 'compile', { cache });
    t.deepEqual(again.executed.toSorted(), executed);
    t.deepEqual((await buildSteps(image('a=1 b=1'), 'compile', { cache })).executed, ['context'], 'and back again');
  });
}

test('an input that was made anew with the same content is a hit for what reads its content', async (t) => {
  const steps = (key: string): Steps => ({
    tool: { key, make: () => 'binary' },
    base: {},
    image: { inputs: ['base', '~tool'] },
    run: { inputs: ['image'] },
  });
  const cache = new MemoryCache();
  await buildSteps(steps('compiler 1'), 'run', { cache });
  const again = await buildSteps(steps('compiler 2'), 'run', { cache });
  t.deepEqual(again.executed, ['tool']);
  t.deepEqual(again.cached, ['base', 'image', 'run']);
});

test('a remembered content digest spares its input from being loaded', async (t) => {
  const steps = (key: string): Steps => ({ tool: {}, image: { inputs: ['~tool'], key } });
  const cache = new MemoryCache();
  t.deepEqual((await buildSteps(steps('1'), 'image', { cache })).digested, ['image<~tool']);
  const hit = await buildSteps(steps('1'), 'image', { cache });
  t.deepEqual([hit.loaded, hit.digested], [['image'], []]);
  const changed = await buildSteps(steps('2'), 'image', { cache });
  t.deepEqual([changed.loaded, changed.digested, changed.executed], [['tool'], [], ['image']]);
});

test('an input whose content is not remembered is loaded, not run', async (t) => {
  const cache = new MemoryCache();
  await buildSteps({ tool: {}, image: { inputs: ['~tool:x'] } }, 'image', { cache });
  const other = await buildSteps({ tool: {}, image: { inputs: ['~tool:y'] } }, 'image', { cache });
  t.deepEqual([other.loaded, other.executed], [['tool', 'image'], []]);
});

test('vertices of equal digest, and of equal identity, execute once', async (t) => {
  const steps: Steps = {
    base: {},
    left: { inputs: ['base'] },
    right: { inputs: ['base'] },
    // Two names of one thing: other vertices, the same key.
    mirror1: { key: 'same image', make: () => 'layers' },
    mirror2: { key: 'same image', make: () => 'layers' },
    all: { inputs: ['left', 'right', 'base', 'mirror1', 'mirror2'] },
  };
  const { executed, cached, result } = await buildSteps(steps, 'all', { cache: new MemoryCache() });
  t.is(result, 'all(left(base()),right(base()),base(),layers,layers)');
  t.deepEqual(executed.filter((name) => name === 'base').length, 1);
  t.deepEqual(executed.filter((name) => name.startsWith('mirror')).length, 1);
  t.deepEqual(cached.length, 1);
});

test('each output of a vertex is an input of its own', async (t) => {
  const steps: Steps = {
    run: { make: () => ['root', 'mount'] },
    first: { inputs: ['run#0'], key: 'k' },
    second: { inputs: ['run#1'], key: 'k' },
    both: { inputs: ['first', 'second'] },
  };
  const cache = new MemoryCache();
  t.is((await buildSteps(steps, 'both', { cache })).result, 'both(first(root),second(mount))');
  t.is((await buildSteps(steps, 'run#1', { cache })).result, 'mount');
  const error = await t.throwsAsync(buildSteps(steps, 'run#2', { cache }));
  t.regex(error?.message ?? '', /has no output 2/);
});

test('a selector is part of the key where the input enters by identity', async (t) => {
  const steps: Steps = {
    base: {},
    one: { inputs: ['base:x'], key: 'k' },
    two: { inputs: ['base:y'], key: 'k' },
    same: { inputs: ['base:x'], key: 'k' },
    all: { inputs: ['one', 'two', 'same'] },
  };
  const { executed } = await buildSteps(steps, 'all', { cache: new MemoryCache() });
  t.is(executed.filter((name) => ['one', 'two', 'same'].includes(name)).length, 2);
});

test('--no-cache of a vertex runs it and what stands on it, and not what reads the same content of it', async (t) => {
  let day = 0;
  const steps = (ignoreCache: boolean): Steps => ({
    update: { ignoreCache, make: () => `lists=${day} tool=1` },
    install: { inputs: ['update'] },
    image: { inputs: ['~update:tool'], make: () => 'image' },
    all: { inputs: ['install', 'image'] },
  });
  const cache = new MemoryCache();
  await buildSteps(steps(false), 'all', { cache });
  day = 1;
  const fresh = await buildSteps(steps(true), 'all', { cache });
  t.deepEqual(fresh.executed, ['update', 'install', 'all']);
  t.is(fresh.result, 'all(install(lists=1 tool=1),image)');
  const after = await buildSteps(steps(false), 'all', { cache });
  t.deepEqual([after.executed, after.result], [[], fresh.result]);
});

test('what stands on an uncacheable vertex by identity is never cached', async (t) => {
  const steps: Steps = { local: context('files'), run: { inputs: ['local'] }, copy: { inputs: ['~run'] } };
  const cache = new MemoryCache();
  await buildSteps(steps, 'copy', { cache });
  const again = await buildSteps(steps, 'copy', { cache });
  t.deepEqual(again.executed, ['local', 'run']);
  t.deepEqual(again.cached, ['copy']);
  t.is(cache.saves, 1);
});

test('a record that does not load any more is a miss, of itself alone', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(image('a=1 b=1'), 'compile', { cache });
  cache.gone.add('compile');
  const again = await buildSteps(image('a=1 b=1'), 'compile', { cache });
  t.deepEqual([again.executed.toSorted(), again.loaded], [['compile', 'context'], ['sources']]);
});

test('inputs are realised in parallel, and no more than maxParallelism at once', async (t) => {
  let running = 0;
  let most = 0;
  const busy = {
    async make() {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return 'done';
    },
  };
  const names = Array.from({ length: 12 }, (_, i) => `step${i}`);
  const steps: Steps = { ...Object.fromEntries(names.map((name) => [name, busy])), all: { inputs: names } };
  await buildSteps(steps, 'all', { cache: new MemoryCache() });
  t.is(most, 12);
  most = 0;
  await buildSteps(steps, 'all', { cache: new MemoryCache(), maxParallelism: 3 });
  t.is(most, 3);
});

test('what a step stands on is made while what it reads is made, and not where that is stored', async (t) => {
  const running: string[] = [];
  const busy = (name: string, text = name) => ({
    async make() {
      running.push(name);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running.push(`/${name}`);
      return text;
    },
  });
  const steps = (text: string): Steps => ({
    tool: { key: text, ...busy('tool', text) },
    base: {},
    below: { inputs: ['base'], ...busy('below') },
    first: { inputs: ['below', '~tool:a'] },
    second: { inputs: ['first', '~tool:b'] },
  });
  const cache = new MemoryCache();
  await buildSteps(steps('a=1 b=1'), 'second', { cache });
  t.deepEqual(running.slice(0, 2).toSorted(), ['below', 'tool']);
  running.length = 0;
  cache.gone.add('below');
  const again = await buildSteps(steps('a=1 b=1 c=1'), 'second', { cache });
  t.deepEqual([again.executed, running], [['tool'], ['tool', '/tool']]);
});

test('every vertex is started and completed, inputs before what reads them', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(image('a=1 b=1'), 'compile', { cache });
  const { events } = await buildSteps(image('a=1 b=1'), 'compile', { cache });
  for (const name of ['base', 'context', 'deps', 'install', 'sources', 'compile']) {
    t.is(events.filter((event) => event === `start ${name}`).length, 1, name);
    t.is(events.filter((event) => event === `end ${name}`).length, 1, name);
    t.is(events.filter((event) => event === `key ${name}`).length, 1, name);
    t.true(events.indexOf(`key ${name}`) < events.indexOf(`end ${name}`), name);
  }
  t.true(events.indexOf('end deps') < events.indexOf('start install'));
});
