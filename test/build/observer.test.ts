import test from 'ava';
import { createObserver, type SolveSummary } from '../../src/build/observer.ts';
import { TsbuildError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/index.ts';
import type { VertexStatus } from '../../src/progress/events.ts';
import type { Vertex } from '../../src/solver/types.ts';

test('steps that fail at the same time are all told, those that were ended for it are not', (t) => {
  const seen: VertexStatus[] = [];
  const summary: SolveSummary = { executed: 0, cached: 0, failures: new Map() };
  const observer = createObserver<string>(
    (status) => seen.push(...(status.vertexes ?? [])),
    summary,
    () => true,
  );
  const vertex = (name: string): Vertex<string> => ({
    digest: digestOf(name),
    name,
    inputs: [],
    op: {
      cacheMap: () => Promise.reject(new Error('not asked')),
      exec: () => Promise.reject(new Error('not run')),
    },
  });
  const first = new TsbuildError('BUILD_RUN_FAILED', 'exit code: 1');
  const second = new TsbuildError('BUILD_RUN_FAILED', 'exit code: 2');
  for (const [name, error] of [
    ['one', first],
    ['ended', first],
    ['two', second],
    ['aborted', new Error('aborted')],
  ] as const) {
    observer.started(vertex(name));
    observer.completed(vertex(name), { cached: false, error });
  }
  t.deepEqual(
    [...summary.failures.values()].map(({ name }) => name),
    ['one', 'two'],
  );
  t.deepEqual(
    seen.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}`])),
    ['one: exit code: 1', 'ended: context canceled', 'two: exit code: 2', 'aborted: context canceled'],
  );
});

test('a source that is read after it was there goes on until that is done', (t) => {
  const seen: VertexStatus[] = [];
  const summary: SolveSummary = { executed: 0, cached: 0, failures: new Map() };
  const observer = createObserver<string>(
    (status) => seen.push(...(status.vertexes ?? [])),
    summary,
    () => true,
  );
  const op = {
    cacheMap: () => Promise.reject(new Error('not asked')),
    exec: () => Promise.reject(new Error('not run')),
  };
  const source: Vertex<string> = { digest: digestOf('context'), name: 'context', inputs: [], op };
  observer.started(source);
  observer.completed(source, { cached: false });
  const reporter = observer.reporter(source);
  for (const bytes of [1, 2]) reporter.task('transferring context:', bytes, 0);
  reporter.task('transferring context:', 3, 0, true);
  t.deepEqual(
    seen.map(({ completedMs }) => completedMs === undefined),
    [true, false, true, false],
  );
});
