import test from 'ava';
import { limitTree } from '../../../src/cache/mounts/limit.ts';
import { type Part, planParts } from '../../../src/cache/mounts/plan.ts';
import type { SurveyTreeResult } from '../../../src/native/types.ts';
import { digestOf } from '../../../src/oci/index.ts';

interface Entry {
  readonly path: string;
  readonly type?: 'd' | 'f' | 'l';
  readonly size?: number;
  readonly usedMs?: number;
  readonly first?: number;
  /** Changes the stamp. */
  readonly version?: number;
}

/** What the addon would say of such a tree. */
function survey(entries: readonly Entry[]): SurveyTreeResult {
  const hash = (text: string): Buffer => Buffer.from(digestOf(text).slice(7), 'hex');
  return {
    paths: Buffer.from(entries.map(({ path }) => `${path}\0`).join('')),
    types: entries.map(({ type = 'f' }) => type).join(''),
    sizes: Float64Array.from(entries, ({ size = 0 }) => size),
    stamps: Buffer.concat(entries.map(({ path, version = 0 }) => hash(`${path} ${version}`).subarray(0, 8))),
    hashes: Float64Array.from(entries, ({ path }) => hash(path).readUInt32LE(8)),
    usedMs: Float64Array.from(entries, ({ usedMs = 0 }) => usedMs),
    firsts: Float64Array.from(entries, ({ first = -1 }) => first),
    leftOut: 0,
    changedMs: 0,
  };
}

const numbered = (count: number, size: number): Entry[] =>
  Array.from({ length: count }, (_, i) => ({ path: `file-${String(i).padStart(6, '0')}`, size }));
const fingerprints = (parts: readonly Part[]) => new Set(parts.map(({ fingerprint }) => fingerprint));
const pathsOf = ({ paths }: Part): string[] => paths.toString().split('\0').slice(0, -1);

test('one file more, less or changed touches at most four parts of many', (t) => {
  const entries = numbered(5000, 80_000);
  const before = planParts(survey(entries));
  t.true(before.length > 100 && before.length < 512, `${before.length}`);
  const largest = Math.max(...before.map(({ bytes }) => bytes));
  t.true(largest < 16e6, `${largest}`);
  for (let seed = 0; seed < 12; seed++) {
    const at = (seed * 7919) % entries.length;
    const name = `${entries[at]?.path}-x`;
    const changes = [
      entries.toSpliced(at + 1, 0, { path: name, size: 1_000_000 }),
      entries.toSpliced(at, 1),
      entries.with(at, { path: entries[at]?.path ?? '', size: 80_000, version: 1 }),
    ];
    for (const changed of changes) {
      const known = fingerprints(before);
      const fresh = planParts(survey(changed)).filter(({ fingerprint }) => !known.has(fingerprint));
      t.true(fresh.length <= 4, `${fresh.length} at ${at}`);
    }
  }
});

test('every entry is in one part, in order; a large file is alone; links come last', (t) => {
  const entries: Entry[] = [
    { path: 'a', type: 'd' },
    { path: 'a/1', size: 10, first: 1 },
    { path: 'a/2', size: 50_000_000 },
    { path: 'a/3', type: 'l', size: 3 },
    { path: 'b', size: 10, first: 1 },
    { path: 'c', size: 10 },
  ];
  const parts = planParts(survey(entries));
  t.deepEqual(parts.map(pathsOf), [['a'], ['a/1'], ['a/2'], ['a/3', 'c'], ['b']]);
  t.deepEqual(
    parts.map(({ kind }) => kind),
    ['directories', 'files', 'files', 'files', 'links'],
  );
  t.is(parts[4]?.targets?.toString(), 'a/1\0');
  // Where the first name stays behind, another stands for the file.
  const keep = Uint8Array.from([1, 0, 0, 0, 1, 1]);
  t.deepEqual(planParts(survey(entries), keep).map(pathsOf), [['a'], ['b', 'c']]);
  t.deepEqual(planParts(survey([])).map(pathsOf), [[]]);
});

/** Which paths stay. */
function kept(entries: readonly Entry[], maxBytes: number): string[] {
  const { keep } = limitTree(survey(entries), maxBytes);
  return entries.filter((_, i) => keep === undefined || keep[i] === 1).map(({ path }) => path);
}

test('what was used last stays, files of one package together', (t) => {
  const size = 100_000;
  const entries: Entry[] = [
    { path: 'mod', type: 'd' },
    { path: 'mod/x@v1.0.0', type: 'd' },
    { path: 'mod/x@v1.0.0/a.go', size, usedMs: 1 },
    { path: 'mod/x@v1.0.0/b.go', size, usedMs: 9 },
    { path: 'mod/y@v1.0.0', type: 'd' },
    { path: 'mod/y@v1.0.0/a.go', size, usedMs: 5 },
    { path: 'node_modules', type: 'd' },
    { path: 'node_modules/@s', type: 'd' },
    { path: 'node_modules/@s/p', type: 'd' },
    { path: 'node_modules/@s/p/i.js', size, usedMs: 8 },
    { path: 'node_modules/@s/p/old.js', size, usedMs: 0 },
    { path: 'node_modules/q', type: 'd' },
    { path: 'node_modules/q/i.js', size, usedMs: 2 },
    ...Array.from({ length: 20 }, (_, i): Entry => ({ path: `z${10 + i}`, size, usedMs: 7 - i / 10 })),
    { path: 'zz', type: 'd' },
  ];
  t.is(kept(entries, 100 * size).length, entries.length);
  const paths = kept(entries, 16.5 * size);
  for (const path of ['mod/x@v1.0.0/a.go', 'node_modules/@s/p/old.js', 'z10', 'z20', 'zz', 'mod'])
    t.true(paths.includes(path), path);
  for (const path of ['mod/y@v1.0.0', 'node_modules/q', 'node_modules/q/i.js', 'z28'])
    t.false(paths.includes(path), path);
  // A package that is more than its share is no unit: its files are chosen one by one.
  const tight = kept(entries, 3.5 * size);
  t.deepEqual(tight, [
    'mod',
    'mod/x@v1.0.0',
    'mod/x@v1.0.0/b.go',
    'node_modules',
    'node_modules/@s',
    'node_modules/@s/p',
    'node_modules/@s/p/i.js',
    'z10',
    'zz',
  ]);
});

test('one file that never fits leaves room for the others', (t) => {
  const entries = [{ path: 'huge', size: 1e9, usedMs: 9 }, ...numbered(3, 1000)];
  t.deepEqual(kept(entries, 1e6), ['file-000000', 'file-000001', 'file-000002']);
});
