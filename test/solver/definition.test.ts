import test from 'ava';
import { buildSteps, MemoryCache, type Steps } from './fakes.ts';

/** A tool that is built, and an image that has a file of it: `made` is what the tool's step gives, whatever its key is. */
const twoStages = (made: string, more: Steps = {}): Steps => ({
  source: {},
  tool: { inputs: ['source'], make: () => made },
  base: {},
  image: { inputs: ['base', '~tool:bin'], make: ([base, tool]) => `image(${base},${tool})` },
  run: { inputs: ['image'] },
  ...more,
});

test('a result is found by its definition when what it reads of an input is not known any more', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(twoStages('bin=1'), 'run', { cache });
  for (const name of ['source', 'tool']) cache.forget(name);
  const again = await buildSteps(twoStages('bin=1'), 'run', { cache });
  t.deepEqual([again.executed, again.loaded], [[], ['run']]);
  t.deepEqual(again.cached.toSorted(), ['base', 'image', 'run', 'source', 'tool']);
});

test('a step that is added stands on what was found by its definition', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(twoStages('bin=1'), 'run', { cache });
  cache.forget('tool');
  const more = twoStages('bin=1', { more: { inputs: ['run'] } });
  t.deepEqual((await buildSteps(more, 'more', { cache })).executed, ['more']);
  // Its own key is that which it has when everything is known.
  cache.definitions.clear();
  t.deepEqual((await buildSteps(more, 'more', { cache })).executed, ['source', 'tool'].slice(1));
});

test('what was found by content is found by the definition from then on', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(twoStages('bin=1'), 'run', { cache });
  const other = twoStages('bin=1', { tool: { inputs: ['source'], key: 'another compiler', make: () => 'bin=1' } });
  t.deepEqual((await buildSteps(other, 'run', { cache })).executed, ['tool']);
  cache.forget('tool');
  t.deepEqual((await buildSteps(other, 'run', { cache })).executed, []);
});

test('an input that was made anew with another content is not hidden by a definition', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(twoStages('bin=1'), 'run', { cache });
  // Another build, which does not read what this one does, makes the tool again: it comes out differently.
  cache.forget('tool');
  const reader: Steps = { ...twoStages('bin=2 doc=1'), docs: { inputs: ['~tool:doc'] } };
  t.deepEqual((await buildSteps(reader, 'docs', { cache })).executed, ['tool', 'docs']);
  const again = await buildSteps(twoStages('never'), 'run', { cache });
  t.deepEqual([again.executed, again.result], [['image', 'run'], 'run(image(base(),bin=2 doc=1))']);
  t.deepEqual((await buildSteps(twoStages('never'), 'run', { cache })).executed, []);
});

test('an input that was made anew with the same content costs a look at it', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(twoStages('bin=1'), 'run', { cache });
  cache.forget('tool');
  const reader: Steps = { ...twoStages('bin=1 doc=1'), docs: { inputs: ['~tool:doc'] } };
  await buildSteps(reader, 'docs', { cache });
  const again = await buildSteps(twoStages('never'), 'run', { cache });
  t.deepEqual([again.executed, again.digested], [[], ['image<~tool:bin']]);
});

test('a doubt about a definition is one about all that stands on it', async (t) => {
  const steps = (made: string): Steps => ({
    tool: { make: () => made },
    first: { inputs: ['~tool:bin'] },
    second: { inputs: ['~first'] },
    third: { inputs: ['second'] },
    docs: { inputs: ['~tool:doc'] },
  });
  const cache = new MemoryCache();
  await buildSteps(steps('bin=1'), 'third', { cache });
  for (const name of ['tool', 'first']) cache.forget(name);
  await buildSteps(steps('bin=2'), 'docs', { cache });
  const again = await buildSteps(steps('never'), 'third', { cache });
  t.is(again.result, 'third(second(first(bin=2)))');
  t.deepEqual(again.executed, ['first', 'second', 'third']);
});

test('--no-cache of an input looks at its content, whatever the definition led to before', async (t) => {
  const cache = new MemoryCache();
  const steps = (made: string, ignoreCache: boolean): Steps =>
    twoStages(made, { tool: { inputs: ['source'], ignoreCache, make: () => made } });
  await buildSteps(steps('bin=1', false), 'run', { cache });
  const same = await buildSteps(steps('bin=1', true), 'run', { cache });
  t.deepEqual(same.executed, ['tool']);
  const changed = await buildSteps(steps('bin=2', true), 'run', { cache });
  t.deepEqual([changed.executed, changed.result], [['tool', 'image', 'run'], 'run(image(base(),bin=2))']);
  cache.forget('tool');
  const after = await buildSteps(steps('never', false), 'run', { cache });
  t.deepEqual([after.executed, after.result], [[], changed.result]);
});

test('a record whose result is gone falls through, and its identity is worked out anew', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(twoStages('bin=1'), 'run', { cache });
  cache.forget('tool');
  for (const name of ['image', 'run']) cache.gone.add(name);
  const again = await buildSteps(twoStages('bin=2'), 'run', { cache });
  t.is(again.result, 'run(image(base(),bin=2))');
  for (const name of ['tool', 'image', 'run']) t.is(again.executed.filter((each) => each === name).length, 1, name);
  t.deepEqual((await buildSteps(twoStages('never'), 'run', { cache })).executed, []);
});

test('what is found by a definition follows when its input is made after all', async (t) => {
  const cache = new MemoryCache();
  await buildSteps(twoStages('bin=1'), 'run', { cache });
  cache.forget('tool');
  const both = twoStages('bin=2 doc=2', { docs: { inputs: ['~tool:doc'] }, all: { inputs: ['run', 'docs'] } });
  const again = await buildSteps(both, 'all', { cache });
  t.is(again.result, 'all(run(image(base(),bin=2 doc=2)),docs(bin=2 doc=2))');
  t.is(again.executed.filter((name) => name === 'tool').length, 1);
});

test('a local directory stands in the definition by its content', async (t) => {
  const steps = (files: string): Steps => ({
    context: { cacheable: false, make: () => files },
    tool: { inputs: ['~context:a'], make: ([files]) => `bin=${files}` },
    image: { inputs: ['~tool:bin'] },
  });
  const cache = new MemoryCache();
  await buildSteps(steps('a=1 b=1'), 'image', { cache });
  cache.forget('tool');
  t.deepEqual((await buildSteps(steps('a=1 b=2'), 'image', { cache })).executed, ['context']);
  t.deepEqual((await buildSteps(steps('a=2 b=2'), 'image', { cache })).executed.toSorted(), [
    'context',
    'image',
    'tool',
  ]);
});

test('what stands on an uncacheable vertex has no definition', async (t) => {
  const steps: Steps = {
    local: { cacheable: false, make: () => 'files' },
    run: { inputs: ['local'] },
    copy: { inputs: ['~run'] },
  };
  const cache = new MemoryCache();
  await buildSteps(steps, 'copy', { cache });
  t.is(cache.definitions.size, 0);
});

test('a graph without contents that have to be made needs no definitions', async (t) => {
  const steps: Steps = {
    context: { cacheable: false, make: () => 'files' },
    base: {},
    copy: { inputs: ['base', '~context'] },
    run: { inputs: ['copy'] },
  };
  const cache = new MemoryCache();
  await buildSteps(steps, 'run', { cache });
  t.is(cache.definitions.size, 0);
});

test('observers are told of contents that only the record knows', async (t) => {
  const cache = new MemoryCache();
  const first = await buildSteps(twoStages('bin=1'), 'run', { cache });
  for (const name of ['source', 'tool']) cache.forget(name);
  const again = await buildSteps(twoStages('bin=1'), 'run', { cache });
  const [before, now] = [first.keys.get('image'), again.keys.get('image')];
  t.is(now?.identity, before?.identity);
  t.deepEqual(
    now?.inputs.map(({ content }) => content),
    before?.inputs.map(({ content }) => content),
  );
});
