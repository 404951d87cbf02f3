import test from 'ava';
import { completeHistory, formatTime } from '../../src/exporter/history.ts';
import type { HistoryEntry, ImageConfig } from '../../src/oci/index.ts';

const BASE_TIME = '2020-01-01T00:00:00Z';
const [FIRST_MS, SECOND_MS] = [Date.parse('2024-05-05T10:00:00.120Z'), Date.parse('2024-05-05T10:00:07Z')];
const [FIRST, SECOND] = ['2024-05-05T10:00:00.12Z', '2024-05-05T10:00:07Z'];
const layer = (created_by: string, created?: string): HistoryEntry => ({ ...(created ? { created } : {}), created_by });
const meta = (created_by: string): HistoryEntry => ({ created_by, empty_layer: true });
const base = (layers: number, history: readonly HistoryEntry[]): ImageConfig => ({
  architecture: 'amd64',
  os: 'linux',
  created: BASE_TIME,
  rootfs: { type: 'layers', diff_ids: Array.from({ length: layers }, (_, i) => `sha256:${i}` as const) },
  history,
});
const times = (entries: readonly HistoryEntry[]): (string | undefined)[] => entries.map(({ created }) => created);

test('an instruction is as old as its layer, and one without a layer as old as the first new one', (t) => {
  const given = [
    layer('base', BASE_TIME),
    meta('ENV a=b'),
    layer('RUN one'),
    meta('CMD x'),
    layer('RUN two'),
    meta('USER'),
  ];
  const history = completeHistory(given, [0, FIRST_MS, SECOND_MS], base(1, [layer('base', BASE_TIME)]), undefined);
  t.deepEqual(times(history), [BASE_TIME, FIRST, FIRST, FIRST, SECOND, SECOND]);
});

test('without new layers everything is as old as the base', (t) => {
  const given = [layer('base', BASE_TIME), meta('ENV a=b'), meta('CMD x')];
  const history = completeHistory(given, [0], base(1, [layer('base', BASE_TIME)]), undefined);
  t.deepEqual(times(history), [BASE_TIME, BASE_TIME, BASE_TIME]);
});

test('nothing new is later than the epoch, and nothing old is changed', (t) => {
  const late = '2030-01-01T00:00:00Z';
  const given = [layer('base', late), layer('RUN one')];
  const history = completeHistory(given, [0, SECOND_MS], base(1, [layer('base', late)]), FIRST_MS);
  t.deepEqual(times(history), [late, FIRST]);
});

test('layers that the base does not mention get entries, before those of the build', (t) => {
  const given = [layer('base', BASE_TIME), layer('RUN one')];
  const history = completeHistory(given, [0, 0, FIRST_MS], base(2, [layer('base', BASE_TIME)]), undefined);
  t.deepEqual(
    history.map(({ created, created_by }) => [created, created_by]),
    [
      [BASE_TIME, 'base'],
      [BASE_TIME, undefined],
      [FIRST, 'RUN one'],
    ],
  );
});

test('entries without a layer of their own are marked so', (t) => {
  const history = completeHistory([layer('RUN one'), layer('RUN two')], [FIRST_MS], undefined, undefined);
  t.deepEqual(
    history.map(({ empty_layer }) => empty_layer),
    [undefined, true],
  );
});

test('an image with nothing in it has no time', (t) => {
  t.deepEqual(completeHistory([meta('LABEL a=b')], [], undefined, undefined), [meta('LABEL a=b')]);
});

test('times are written as Go writes them', (t) => {
  t.is(formatTime(0), '1970-01-01T00:00:00Z');
  t.is(formatTime(1500), '1970-01-01T00:00:01.5Z');
  t.is(formatTime(10_000), '1970-01-01T00:00:10Z');
  t.is(formatTime(1010), '1970-01-01T00:00:01.01Z');
});
