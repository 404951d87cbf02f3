import test from 'ava';
import type { TsbuildError } from '../../src/errors.ts';
import {
  createPins,
  diffLocks,
  findDrift,
  formatLock,
  gitName,
  type Lockfile,
  MAX_LOCK_BYTES,
  parseLock,
  urlName,
} from '../../src/lockfile/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { fc } from '../support/properties.ts';

const DIGEST = digestOf('image');
const COMMIT = '1234567890'.repeat(4);

const EMPTY: Lockfile = { args: new Map(), platforms: [], images: new Map(), urls: new Map(), git: new Map() };

const FULL: Lockfile = {
  syntax: 'docker/dockerfile:1',
  target: 'app',
  args: new Map([['BASE', 'debian:12']]),
  platforms: ['linux/amd64', 'linux/arm64'],
  images: new Map([
    [
      'docker.io/library/debian:12',
      { digest: DIGEST, mediaType: MediaType.ociIndex, platforms: ['linux/amd64', 'linux/arm64'] },
    ],
  ]),
  urls: new Map([['https://example.org/x?a=1', { digest: DIGEST, size: 3, etag: '"e"', lastModified: 1_580_724_000 }]]),
  git: new Map([
    ['https://example.org/app.git', { commit: COMMIT }],
    ['https://example.org/app.git#v1', { commit: COMMIT, ref: 'refs/tags/v1', tag: COMMIT.replace('1', '2') }],
  ]),
};

const codeOf = (text: string): string => {
  try {
    parseLock(text, 'Dockerfile.lock');
    return '';
  } catch (error) {
    return `${(error as TsbuildError).code} ${(error as TsbuildError).message}`;
  }
};

test('a lock file is sorted, and read as it was written', (t) => {
  const text = formatLock(FULL);
  t.deepEqual(parseLock(text, 'x'), FULL);
  t.is(formatLock(parseLock(text, 'x')), text);
  t.true(text.includes('      "lastModified": "2020-02-03T10:00:00Z"\n'));
  t.true(text.endsWith('}\n'));
  t.is(formatLock(EMPTY), '{\n  "version": 1,\n  "platforms": []\n}\n');
  const swapped = { ...FULL, git: new Map([...FULL.git].reverse()) };
  t.is(formatLock(swapped), text);
});

test('lines that git wrote with carriage returns, and another indentation, are read', (t) => {
  const text = formatLock(FULL);
  t.deepEqual(parseLock(text.replaceAll('\n', '\r\n'), 'x'), FULL);
  t.deepEqual(parseLock(JSON.stringify(JSON.parse(text)), 'x'), FULL);
});

test('any lock is read as it was written, whatever its names are', (t) => {
  const word = fc.string({ maxLength: 20 });
  const digest = word.map((text) => digestOf(text));
  const entries = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<ReadonlyMap<string, T>> =>
    fc
      .array(
        fc.tuple(
          fc
            .constantFrom('__proto__', 'constructor', 'https://h/')
            .chain((start) => word.map((end) => `${start} ${end}`)),
          value,
        ),
        { maxLength: 4 },
      )
      .map((list) => new Map(list));
  t.notThrows(() =>
    fc.assert(
      fc.property(
        entries(word),
        entries(fc.record({ digest, size: fc.nat(), etag: word }, { requiredKeys: ['digest'] })),
        entries(fc.constant({ commit: COMMIT })),
        (args, urls, git) => {
          const lock: Lockfile = { ...EMPTY, args, urls, git };
          const text = formatLock(lock);
          return formatLock(parseLock(text, 'x')) === text;
        },
      ),
    ),
  );
});

test('what is no lock file is refused in words', (t) => {
  const image = (text: string): string => `{"version":1,"images":{"docker.io/library/a:1":${text}}}`;
  const cases: readonly (readonly [text: string, expected: RegExp])[] = [
    ['', /^LOCK_INVALID Dockerfile\.lock is no lock file: /],
    ['[]', /it is no object/],
    ['null', /it is no object/],
    ['{}', /it has no version/],
    ['{"version":2}', /^LOCK_VERSION .* has version 2, and this tsbuild reads version 1/],
    ['{"version":"1"}', /it has no version/],
    ['{"version":1,"more":1}', /has a member "more" that nobody knows/],
    ['{"version":1,"version":1}', /a name is there twice/],
    ['{"version":1,"args":{"A":"1","A":"2"}}', /a name is there twice/],
    ['<<<<<<< ours\n{}', /the marks of a merge conflict/],
    ['{"version":1,"images":[]}', /images is no object/],
    [image('{}'), /images\."docker.io\/library\/a:1"\.digest is no text/],
    [image('{"digest":"sha256:1"}'), /digest is no digest/],
    [image(`{"digest":"${DIGEST}"}`), /mediaType is no text/],
    [image(`{"digest":"${DIGEST}","mediaType":"x","platforms":["a/b/c/d/e"]}`), /platforms: /],
    [image(`{"digest":"${DIGEST}","mediaType":"x","__proto__":{}}`), /"__proto__" that nobody knows/],
    [`{"version":1,"images":{"A B":{}}}`, /is no name of an image/],
    [`{"version":1,"images":{"a@${DIGEST}":{}}}`, /has a digest in its name/],
    [`{"version":1,"urls":{"u":{"digest":"${DIGEST}","size":-1}}}`, /size is no size in bytes/],
    [`{"version":1,"urls":{"u":{"digest":"${DIGEST}","lastModified":"soon"}}}`, /lastModified is no time/],
    ['{"version":1,"git":{"g":{"commit":"abc"}}}', /commit is no commit/],
    [`{"version":1,"syntax":"${'x'.repeat(9000)}"}`, /more than 8192 characters/],
    [
      `{"version":1,"args":{${Array.from({ length: 10_001 }, (_, i) => `"A${i}":""`).join()}}}`,
      /more than 10000 members/,
    ],
    [' '.repeat(MAX_LOCK_BYTES + 1), /more than \d+ bytes/],
    ['['.repeat(100_000), /is no lock file/],
    [`{"version":1,"args":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`, /args\."a" is no text/],
  ];
  for (const [text, expected] of cases) t.regex(codeOf(text), expected, text.slice(0, 80));
});

test('pins are found by what the Dockerfile says, without credentials', (t) => {
  const pins = createPins(FULL, { path: 'Dockerfile.lock', strict: true, except: ['https://example.org/context'] });
  t.is(pins.image('docker.io/library/debian:12')?.digest, DIGEST);
  t.is(pins.url('https://u:p@example.org/x?a=1#part')?.digest, DIGEST);
  t.is(pins.git('https://u:p@example.org/app.git', undefined)?.commit, COMMIT);
  t.is(pins.git('https://example.org/app.git', 'v1')?.ref, 'refs/tags/v1');
  t.is(pins.url('https://example.org/context'), undefined);
  t.throws(() => pins.image('docker.io/library/debian:13'), {
    code: 'LOCK_MISSING',
    message: 'docker.io/library/debian:13 is not in Dockerfile.lock; it was made with --build-arg BASE=debian:12',
  });
  t.is(createPins(FULL, { path: '', strict: false }).url('https://example.org/other'), undefined);
  t.is(urlName('https://h/x?token=abc&b=2'), 'https://h/x?token=***&b=2');
  t.is(gitName('https://u@h/x.git', 'main'), 'https://h/x.git#main');
});

test('drift and changes', (t) => {
  const names = { images: new Set(['docker.io/library/a:1']), urls: new Set<string>(), git: new Set(FULL.git.keys()) };
  t.deepEqual(findDrift(FULL, names), {
    missing: [{ kind: 'images', name: 'docker.io/library/a:1' }],
    leftovers: [
      { kind: 'images', name: 'docker.io/library/debian:12' },
      { kind: 'urls', name: 'https://example.org/x?a=1' },
    ],
  });
  t.deepEqual(diffLocks(FULL, FULL), []);
  const moved = COMMIT.replace('1', '3');
  t.deepEqual(
    diffLocks(FULL, {
      ...FULL,
      urls: new Map(),
      git: new Map([
        ['new', { commit: moved }],
        ['https://example.org/app.git', { commit: moved }],
      ]),
    }),
    [
      { kind: 'urls', name: 'https://example.org/x?a=1', from: DIGEST },
      { kind: 'git', name: 'https://example.org/app.git', from: COMMIT, to: moved },
      { kind: 'git', name: 'https://example.org/app.git#v1', from: COMMIT },
      { kind: 'git', name: 'new', to: moved },
    ],
  );
});
