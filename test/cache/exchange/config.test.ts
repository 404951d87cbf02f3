import test from 'ava';
import { parseCacheConfig, parseInlineRecords } from '../../../src/cache/exchange/config.ts';
import { type Digest, digestOf } from '../../../src/oci/index.ts';
import { assertLinear } from '../../support/growth.ts';

const digest = (name: string): Digest => digestOf(name);
const parse = (value: unknown) => parseCacheConfig(Buffer.from(JSON.stringify(value)), 'here');

test('a config is read as Go writes it: numbers that are 0 are left out', (t) => {
  const config = parse({
    layers: [{ blob: digest('base'), parent: -1 }, { blob: digest('top') }],
    records: [
      { digest: digest('base record') },
      {
        digest: digest('top record'),
        inputs: [[{ link: 0 }, { selector: digest('s'), link: 0 }]],
        layers: [{ layer: 1, createdAt: '2026-01-02T03:04:05.678901234Z' }],
        chains: [{ layers: [1, 0] }],
      },
    ],
  });
  t.deepEqual(config.layers[1], { blob: digest('top'), parent: 0 });
  t.deepEqual(config.records[0], { digest: digest('base record'), inputs: [], results: [] });
  const [one, chained] = config.records[1]?.results ?? [];
  t.deepEqual(one, { layers: [0, 1], createdMs: Date.parse('2026-01-02T03:04:05.678Z') });
  t.deepEqual(chained, { layers: [1, 0], createdMs: 0 });
});

const layer = { blob: digest('base'), parent: -1 };
const record = { digest: digest('record') };

for (const [title, value] of Object.entries<unknown>({
  'a list': [],
  'a layer without a blob': { layers: [{ parent: -1 }] },
  'a blob that is no digest': { layers: [{ blob: '../../etc/passwd', parent: -1 }] },
  'a layer on itself': { layers: [{ blob: digest('a') }] },
  'layers in a circle': {
    layers: [
      { blob: digest('a'), parent: 1 },
      { blob: digest('b'), parent: 0 },
    ],
  },
  'a parent that is not there': { layers: [{ blob: digest('a'), parent: 7 }] },
  'a parent below nothing': { layers: [{ blob: digest('a'), parent: -2 }] },
  'more layers than can be mounted': {
    layers: Array.from({ length: 600 }, (_, i) => ({ blob: digest(`${i}`), parent: i - 1 })),
  },
  'results that name a few layers over and over': {
    layers: Array.from({ length: 500 }, (_, i) => ({ blob: digest(`${i}`), parent: i - 1 })),
    records: Array.from({ length: 20 }, () => ({ ...record, layers: Array(400).fill({ layer: 499 }) })),
  },
  'a record without a digest': { records: [{}] },
  'a link to nowhere': { records: [{ ...record, inputs: [[{ link: 1 }]] }] },
  'a link that is no number': { records: [{ ...record, inputs: [[{ link: '0' }]] }] },
  'records in a circle': {
    records: [
      { ...record, inputs: [[{ link: 1 }]] },
      { ...record, inputs: [[{ link: 0 }]] },
    ],
  },
  'a record of itself': { records: [{ ...record, inputs: [[{ link: 0 }]] }] },
  'a result of no layer': { records: [{ ...record, layers: [{ layer: 0 }] }] },
  'a chain of no layer': { layers: [layer], records: [{ ...record, chains: [{ layers: [0, 1] }] }] },
  'a selector that is no text': { records: [{ ...record, inputs: [[{ link: 0, selector: {} }]] }] },
  'inputs that are no list': { records: [{ ...record, inputs: { length: 3 } }] },
}))
  test(`refused: ${title}`, (t) => {
    t.throws(() => parse(value), { code: 'CACHE_CONFIG_INVALID' });
  });

test('refused: what is no JSON, and what is too large', (t) => {
  t.throws(() => parseCacheConfig(Buffer.from('{'), 'here'), { code: 'CACHE_CONFIG_INVALID' });
  t.throws(() => parseCacheConfig(Buffer.alloc(9 * 1024 * 1024, ' '), 'here'), { code: 'CACHE_CONFIG_INVALID' });
  t.throws(() => parseInlineRecords(Buffer.from('{}'), [], 'here'), { code: 'CACHE_CONFIG_INVALID' });
});

test('many records that all lead to all below them are read in time that grows with their links', async (t) => {
  const makeConfig = (count: number) => {
    const records = Array.from({ length: count }, (_, i) => ({
      digest: digest(`${i}`),
      ...(i === 0 ? {} : { inputs: [Array.from({ length: i }, (_, link) => ({ link }))] }),
    }));
    return Buffer.from(JSON.stringify({ records }));
  };
  const [small, large] = [makeConfig(350), makeConfig(700)];
  t.is(parseCacheConfig(large, 'here').records.length, 700);
  const read = (config: Buffer) => parseCacheConfig(config, 'here');
  await assertLinear(t, { small: () => read(small), large: () => read(large), times: 4 });
});
