import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { collectMountFrom, collectMountTo, parsePlace } from '../../src/cli/flags/cache-mount.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

test('places: what is a name in a registry, a directory, an archive', (t) => {
  const work = makeTempDir('places');
  t.teardown(() => removeTree(work));
  mkdirSync(join(work, 'dir'));
  writeFileSync(join(work, 'file'), '');
  const places: Readonly<Record<string, ReturnType<typeof parsePlace>>> = {
    'registry.example/team/caches:app': { type: 'registry', ref: 'registry.example/team/caches:app' },
    'team/caches': { type: 'registry', ref: 'team/caches' },
    'localhost:5000/c': { type: 'registry', ref: 'localhost:5000/c' },
    './caches': { type: 'layout', path: './caches' },
    '/caches': { type: 'layout', path: '/caches' },
    '.': { type: 'layout', path: '.' },
    [join(work, 'dir')]: { type: 'layout', path: join(work, 'dir') },
    [join(work, 'file')]: { type: 'tar', path: join(work, 'file') },
    'caches.tar': { type: 'tar', path: 'caches.tar' },
    '-': { type: 'tar', path: '-' },
    'oci-layout://a/b:c': { type: 'layout', path: 'a/b', tag: 'c' },
    'oci-layout://a:1/b': { type: 'layout', path: 'a:1/b' },
  };
  for (const [text, place] of Object.entries(places)) t.deepEqual(parsePlace(text), place, text);
  t.throws(() => parsePlace('caches'), { code: 'USAGE' });
  t.throws(() => parsePlace(''), { code: 'USAGE' });
  t.throws(() => parsePlace('Registry.example/UPPER:1'), { code: 'FLAG_INVALID' });
});

test('--cache-mount-from and --cache-mount-to: the short form and that of buildx', (t) => {
  const short = collectMountFrom(
    'reg.example/c:1,id=npm,id=/root/.m2,max-size=1gb,required=true,mode=replace',
    undefined,
  );
  const place = { type: 'registry', ref: 'reg.example/c:1' };
  const rest = { ids: ['npm', '/root/.m2'], maxBytes: 1024 ** 3, required: true, replace: true };
  t.deepEqual<unknown, unknown>(short, [{ place, ...rest }]);
  const long = 'type=registry,ref=reg.example/c:1,"id=npm",id=/root/.m2,max-size=1gb,required=1,mode=replace';
  t.deepEqual(collectMountFrom(long, undefined), short);
  t.deepEqual<unknown, unknown>(collectMountFrom('type=local,src=d,tag=x,mode=missing', short), [
    ...short,
    { place: { type: 'layout', path: 'd', tag: 'x' } },
  ]);
  t.deepEqual<unknown, unknown>(collectMountTo('type=tar,dest=c.tar,ignore-error=true', undefined), [
    { place: { type: 'tar', path: 'c.tar' }, ignoreError: true },
  ]);
  t.deepEqual(collectMountTo('', undefined), []);
});

test('mistakes in them are told', (t) => {
  const mistakes: Readonly<Record<string, RegExp | undefined>> = {
    'type=registry': /add ref=/,
    'type=regsitry,ref=a/b': /did you mean registry/,
    'a/b,idd=x': /did you mean id=/,
    'a/b,max-size=large': /500MB/,
    'a/b,required=perhaps': undefined,
    'a/b,mode=merge': undefined,
    'a/b,novalue': undefined,
    'a/b,"id=x': undefined,
    'type=local,dest=d': /add src=/,
  };
  for (const [text, hint] of Object.entries(mistakes)) {
    const error = t.throws<Error & { hint?: string }>(
      () => collectMountFrom(text, undefined),
      { code: 'FLAG_INVALID' },
      text,
    );
    if (hint !== undefined) t.regex(error.hint ?? '', hint, text);
  }
  t.throws(() => collectMountTo('-', undefined), { code: 'FLAG_INVALID' });
});
