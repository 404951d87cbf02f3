import test from 'ava';
import { CacheChains, type ExportedResult } from '../../../src/cache/exchange/chains.ts';
import { parseCacheConfig } from '../../../src/cache/exchange/config.ts';
import { indexRecords } from '../../../src/cache/exchange/match.ts';
import { type Digest, digestOf, MediaType } from '../../../src/oci/index.ts';

const digest = (name: string): Digest => digestOf(name);
const result = (...names: string[]): ExportedResult => ({
  layers: names.map((name) => ({ mediaType: MediaType.ociLayerGzip, digest: digest(name), size: 1 })),
  createdAt: '2026-01-02T03:04:05Z',
});

test('what is written is found again, by each alternative', (t) => {
  const chains = new CacheChains();
  const base = chains.add(digest('base'), []);
  const content = chains.add(digest('content'), []);
  chains.add(
    digest('copy'),
    [
      [{ selector: '', record: base }],
      [
        { selector: digest('s'), record: base },
        { selector: '', record: content },
      ],
    ],
    result('one', 'two'),
  );
  const { config, layers } = chains.marshal();
  const { records, layers: read } = parseCacheConfig(config, 'here');
  const index = indexRecords(records);
  const [from = -1] = index.roots(digest('base'));
  const [of = -1] = index.roots(digest('content'));
  for (const second of [
    { selector: digest('s'), record: from },
    { selector: '', record: of },
  ]) {
    const found = index.find(digest('copy'), [[{ selector: '', record: from }], [second]]);
    t.is(found.length, 1);
    const chain = records[found[0] ?? -1]?.results[0]?.layers.map((at) => read[at]?.blob);
    t.deepEqual(chain, [digest('one'), digest('two')]);
  }
  t.deepEqual(index.find(digest('copy'), [[{ selector: '', record: of }], [{ selector: '', record: of }]]), []);
  t.deepEqual(index.find(digest('copy'), [[{ selector: '', record: from }]]), []);
  t.is(layers.length, 2);
});

test('equal caches are equal bytes, in whatever order they were made', (t) => {
  const write = (names: readonly string[]): string => {
    const chains = new CacheChains();
    const base = chains.add(digest('base'), []);
    for (const name of names) chains.add(digest(name), [[{ selector: '', record: base }]], result('base', name));
    return chains.marshal().config.toString();
  };
  t.is(write(['a', 'b', 'c']), write(['c', 'a', 'b']));
  t.is(write(['a', 'a']), write(['a']));
});

test('records of the same work by other words become one, and never stand on themselves', (t) => {
  const chains = new CacheChains();
  const content = chains.add(digest('content'), []);
  const first = chains.add(digest('copy'), [[{ selector: '', record: content }]], result('one'));
  const run = chains.add(digest('run'), [[{ selector: '', record: first }]], result('one', 'two'));
  // The same content, copied once more out of what came of it.
  chains.add(
    digest('copy'),
    [
      [
        { selector: digest('s'), record: run },
        { selector: '', record: content },
      ],
    ],
    result('one'),
  );
  const { records } = parseCacheConfig(chains.marshal().config, 'here');
  t.is(records.filter((record) => record.digest === digest('copy')).length, 1);
});

test('what leads to no result is left out', (t) => {
  const chains = new CacheChains();
  const base = chains.add(digest('base'), []);
  chains.add(digest('lost'), [[{ selector: '', record: base }]]);
  t.is(chains.marshal().config.toString(), '{}');
});
