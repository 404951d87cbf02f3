import test from 'ava';
import { collectCacheFrom, collectCacheTo } from '../../src/cli/flags/cache.ts';
import { digestOf } from '../../src/oci/digest.ts';

const digest = digestOf('cache');

test('--cache-from as buildx reads it', (t) => {
  const read = (text: string) => collectCacheFrom(text, undefined);
  t.deepEqual(read('user/app:cache'), [{ type: 'registry', ref: 'user/app:cache' }]);
  t.deepEqual(read('one,two:2'), [
    { type: 'registry', ref: 'one' },
    { type: 'registry', ref: 'two:2' },
  ]);
  t.deepEqual(read('type=registry,ref=a/b,registry.insecure=true'), [{ type: 'registry', ref: 'a/b', insecure: true }]);
  t.deepEqual(read(`type=local,src=.cache,tag=x,digest=${digest}`), [
    { type: 'local', src: '.cache', tag: 'x', digest },
  ]);
  t.deepEqual(read(''), []);
  t.is(collectCacheFrom('b', read('a')).length, 2);
});

test('--cache-to as buildx reads it', (t) => {
  const read = (text: string) => collectCacheTo(text, undefined)[0];
  t.deepEqual(read('user/app:cache'), { type: 'registry', ref: 'user/app:cache' });
  t.deepEqual(read('type=inline'), { type: 'inline' });
  t.deepEqual(read('type=registry,ref=a/b,mode=max,compression=zstd,compression-level=19,force-compression=1'), {
    type: 'registry',
    ref: 'a/b',
    mode: 'max',
    compression: 'zstd',
    compressionLevel: 19,
    forceCompression: true,
  });
  t.deepEqual(read('type=local,dest=out,reset=true,image-manifest=false,oci-mediatypes=false,ignore-error=true'), {
    type: 'local',
    dest: 'out',
    reset: true,
    imageManifest: false,
    ociMediaTypes: false,
    ignoreError: true,
  });
});

for (const [flag, text] of [
  ['from', 'type=registry'],
  ['from', 'type=inline'],
  ['from', 'type=local'],
  ['from', 'type=local,src=x,digest=abc'],
  ['from', 'type=regsitry,ref=a'],
  ['from', 'ref=a'],
  ['from', 'UPPER CASE'],
  ['to', 'type=inline,mode=max'],
  ['to', 'type=registry,ref=a,mode=all'],
  ['to', 'type=registry,ref=a,compression=lz4'],
  ['to', 'type=registry,ref=a,compression-level=10'],
  ['to', 'type=registry,ref=a,oci-mediatypes=false'],
  ['to', 'type=local,dest=x,dets=y'],
  ['to', 'a,b'],
] as const)
  test(`--cache-${flag} ${text} is refused`, (t) => {
    const collect = flag === 'from' ? collectCacheFrom : collectCacheTo;
    t.throws(() => collect(text, undefined), { message: /./ });
  });

for (const [text, hint] of [
  ['type=registry,reff=a', 'did you mean ref=?'],
  ['type=registry,ref=a,mod=max', 'did you mean mode=?'],
  ['type=local,dst=x', 'did you mean dest=?'],
] as const)
  test(`what is misspelt is told before what lacks by it: ${text}`, (t) => {
    t.like(
      t.throws(() => collectCacheTo(text, undefined)),
      { code: 'FLAG_INVALID', hint },
    );
  });

test('a name that is none is a mistake of the flag', (t) => {
  for (const text of ['UPPER', 'type=registry,ref=UPPER'])
    for (const collect of [collectCacheFrom, collectCacheTo])
      t.throws(() => collect(text, undefined), { code: 'FLAG_INVALID' } as object);
});

for (const type of ['gha', 's3', 'azblob'])
  test(`a service of one vendor is refused, and told what works instead: ${type}`, (t) => {
    for (const collect of [collectCacheFrom, collectCacheTo]) {
      const error = t.throws(() => collect(`type=${type}`, undefined), { code: 'FLAG_UNSUPPORTED' } as object);
      t.regex((error as { hint?: string } | undefined)?.hint ?? '', /type=registry/);
    }
  });
