import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { formatRawJson } from '../../src/progress/rawjson.ts';
import { readRecordings } from './recorded.ts';

for (const { name, lines, arrivals } of readRecordings()) {
  test(`rawjson progress of the recorded build "${name}" is what was recorded`, (t) => {
    t.deepEqual(
      arrivals.map(({ status }) => formatRawJson(status)),
      lines,
    );
  });
}

test('times have the digits they need and no more', (t) => {
  const started = (startedMs: number): unknown =>
    JSON.parse(formatRawJson({ vertexes: [{ digest: digestOf(''), name: 'a', startedMs }] })).vertexes[0].started;
  t.is(started(0), '1970-01-01T00:00:00Z');
  t.is(started(1700000000120), '2023-11-14T22:13:20.12Z');
  t.is(started(1700000000120.5), '2023-11-14T22:13:20.1205Z');
});
