import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createLocalSource } from '../../src/source/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const op = (identifier: string) => ({ type: 'source', inputs: [], identifier, attrs: {} }) as const;
const { signal } = new AbortController();

test('a local source is its directory with its ignore patterns, keyed by content alone', async (t) => {
  const [one, two] = [makeTempDir('one'), makeTempDir('two')];
  const source = createLocalSource(
    new Map([
      ['context', { directory: one, ignore: 'program' }],
      ['other', { directory: two }],
    ]),
  );
  const context = await source.resolve(op('local://context'), { signal });
  const other = await source.resolve(op('local://other'), { signal });
  t.false(context.cacheable);
  t.is(context.digest, other.digest);
  const options = { signal, onTask: () => {} };
  t.deepEqual(await context.fetch(options), { kind: 'local', directory: one, ignore: 'program' });
  t.deepEqual(await other.fetch(options), { kind: 'local', directory: two });
  for (const directory of [one, two]) removeTree(directory);
});

test('a context that nobody gave, or that is no directory, is named', async (t) => {
  const root = makeTempDir('local');
  writeFileSync(join(root, 'file'), '');
  const contexts = new Map([
    ['context', { directory: join(root, 'gone') }],
    ['file', { directory: join(root, 'file') }],
  ]);
  const source = createLocalSource(contexts);
  const unknown = await t.throwsAsync(source.resolve(op('local://docs'), { signal }), { code: 'CONTEXT_NOT_FOUND' });
  t.regex(unknown?.message ?? '', /"docs"/);
  for (const name of ['context', 'file']) {
    const error = await t.throwsAsync(source.resolve(op(`local://${name}`), { signal }), {
      code: 'CONTEXT_UNREADABLE',
    });
    t.true(error?.message.includes(root));
  }
  removeTree(root);
});
