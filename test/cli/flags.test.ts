import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { collectAnnotation } from '../../src/cli/flags/annotation.ts';
import { readBuildArgFiles } from '../../src/cli/flags/build-arg-file.ts';
import { splitCsv } from '../../src/cli/flags/csv.ts';
import { collectHost } from '../../src/cli/flags/hosts.ts';
import { collectOutput } from '../../src/cli/flags/output.ts';
import { collectStages } from '../../src/cli/flags/stages.ts';
import { collectTag, parseBuildArgs, parseLabels, readParallelism, readPlatform } from '../../src/cli/flags/values.ts';
import { TsbuildError } from '../../src/errors.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const OUTPUTS: readonly (readonly [text: string, spec: object])[] = [
  ['out', { type: 'local', dest: 'out' }],
  ['-', { type: 'tar', dest: '-' }],
  ['type=local,dest=out', { type: 'local', dest: 'out' }],
  ['type=tar', { type: 'tar', dest: '-' }],
  ['type=tar,dest=a.tar', { type: 'tar', dest: 'a.tar' }],
  ['type=oci,dest=a.tar', { type: 'oci', dest: 'a.tar' }],
  ['type=oci,dest=dir,tar=false', { type: 'oci', dest: 'dir', tar: false }],
  ['type=oci,dest=-,compression=zstd', { type: 'oci', dest: '-', compression: 'zstd' }],
  ['type=docker', { type: 'docker' }],
  ['type=docker,dest=a.tar,compression=uncompressed', { type: 'docker', dest: 'a.tar', compression: 'none' }],
  ['type=image', { type: 'image', push: false }],
  ['type=image,name=app:1,push=true', { type: 'image', name: 'app:1', push: true }],
  ['type=image,"name=app:1,app:2"', { type: 'image', name: 'app:1,app:2', push: false }],
  ['type=registry', { type: 'image', push: true }],
  ['"dest=a,b.tar",type=oci', { type: 'oci', dest: 'a,b.tar' }],
  [
    'type=oci,dest=a,annotation.A.b=C=d,annotation-index[linux/arm64].e=f',
    {
      type: 'oci',
      dest: 'a',
      annotations: [
        { on: 'manifest', key: 'a.b', value: 'C=d' },
        { on: 'index', platform: { os: 'linux', architecture: 'arm64' }, key: 'e', value: 'f' },
      ],
    },
  ],
  ['type=image,unpack=true,oci-mediatypes=true', { type: 'image', push: false }],
];

const BAD_OUTPUTS: readonly (readonly [text: string, code: string, message: RegExp])[] = [
  ['type=ocii,dest=a', 'FLAG_INVALID', /no output type "ocii"/],
  ['type=oci', 'FLAG_INVALID', /needs a dest/],
  ['type=local', 'FLAG_INVALID', /needs a dest/],
  ['dest=a,b=c', 'FLAG_INVALID', /no type/],
  ['type=oci,dest', 'FLAG_INVALID', /not key=value/],
  ['type=oci,dst=a,dest=b', 'FLAG_INVALID', /no "dst"/],
  ['type=oci,dest=a,tar=perhaps', 'FLAG_INVALID', /neither true nor false/],
  ['type=oci,dest=a,compression=lzma', 'FLAG_INVALID', /no compression/],
  ['type=oci,dest=a,compression-level=3', 'FLAG_UNSUPPORTED', /compression-level=3/],
  ['type=image,annotation-manifets.a=b', 'FLAG_INVALID', /no place "manifets"/],
  ['type=image,annotation[nowhere].a=b', 'FLAG_INVALID', /"nowhere" is no platform/],
  ['type=image,annotation.=b', 'FLAG_INVALID', /names no annotation/],
  ['type=local,dest=a,annotation.a=b', 'FLAG_INVALID', /no "annotation.a"/],
  ['type=local,dest=a,mode=delete', 'FLAG_UNSUPPORTED', /mode=delete/],
  ['type=cacheonly', 'FLAG_UNSUPPORTED', /cacheonly/],
  ['type="oci', 'FLAG_INVALID', /quotes/],
  ['dest="a,b.tar",type=oci', 'FLAG_INVALID', /quotes/],
  ['./a,b', 'FLAG_INVALID', /not key=value/],
];

test('--output in all its forms', (t) => {
  for (const [text, spec] of OUTPUTS) t.deepEqual(collectOutput(text, undefined) as object, [spec], text);
});

test('--output refuses what it does not understand', (t) => {
  for (const [text, code, message] of BAD_OUTPUTS) {
    const error = t.throws(() => collectOutput(text, undefined), { instanceOf: TsbuildError, message }, text);
    t.is(error?.code, code, text);
  }
});

test('an empty variable of a script asks for nothing', (t) => {
  const before = [{ type: 'docker' }];
  t.is(collectOutput('', before), before as never);
  t.deepEqual(collectOutput('', undefined), []);
  t.deepEqual(collectAnnotation('', undefined), []);
  t.deepEqual(collectStages('', ['a']), ['a']);
});

test('--annotation in all its forms', (t) => {
  const read = (text: string): object => collectAnnotation(text, undefined);
  t.deepEqual(read('A=b=c'), [{ on: 'manifest', key: 'A', value: 'b=c' }]);
  t.deepEqual(read('index,manifest-descriptor[linux/arm/v7]:k=v'), [
    { on: 'index', key: 'k', value: 'v' },
    {
      on: 'manifest-descriptor',
      platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      key: 'k',
      value: 'v',
    },
  ]);
  t.deepEqual(read('index-descriptor:k='), [{ on: 'index-descriptor', key: 'k', value: '' }]);
  const wrong = ['k', '=v', 'manifest:=v', ':k=v', ' index:k=v', 'indx:k=v', 'index[]:k=v', 'index[a/b/c/d]:k=v'];
  for (const text of wrong) t.is(t.throws(() => read(text), { instanceOf: TsbuildError })?.code, 'FLAG_INVALID', text);
});

test('CSV fields', (t) => {
  t.deepEqual(splitCsv('a,b'), ['a', 'b']);
  t.deepEqual(splitCsv('"a,b",c'), ['a,b', 'c']);
  t.deepEqual(splitCsv('"a ""b""",'), ['a "b"', '']);
  t.is(splitCsv('a"b'), undefined);
  t.is(splitCsv('"a'), undefined);
  t.is(splitCsv('"a"b'), undefined);
});

test('--build-arg takes values, equals signs in them, and the environment', (t) => {
  const env = { FROM_ENV: 'x=y' };
  t.deepEqual(parseBuildArgs(['A=1', 'B=', 'C=a=b', 'FROM_ENV', 'NOT_SET'], env), {
    A: '1',
    B: '',
    C: 'a=b',
    FROM_ENV: 'x=y',
  });
  t.deepEqual(parseBuildArgs(['A=1', 'A=2'], {}), { A: '2' });
  t.throws(() => parseBuildArgs(['=x'], {}), { message: /no name/ });
});

test('--label without a value is empty', (t) => {
  t.deepEqual(parseLabels(['a', 'b=c=d']), { a: '', b: 'c=d' });
});

test('--platform', (t) => {
  t.deepEqual(readPlatform('linux/arm/v7'), { os: 'linux', architecture: 'arm', variant: 'v7' });
  t.is(t.throws(() => readPlatform('linux/amd64,linux/arm64'), { instanceOf: TsbuildError })?.code, 'FLAG_UNSUPPORTED');
  t.is(t.throws(() => readPlatform('plan9000'), { instanceOf: TsbuildError })?.code, 'FLAG_INVALID');
});

test('--tag', (t) => {
  t.deepEqual(collectTag('b:1', collectTag('a', undefined)), ['a', 'b:1']);
  t.is(t.throws(() => collectTag('UPPER', undefined), { instanceOf: TsbuildError })?.code, 'FLAG_INVALID');
  t.throws(() => collectTag(`a@sha256:${'0'.repeat(64)}`, undefined), { message: /cannot have a digest/ });
});

test('--add-host in all its forms', (t) => {
  const read = (...texts: string[]): unknown =>
    texts.reduce<unknown>((found, text) => collectHost(text, found), undefined);
  t.deepEqual(
    read('a=1.2.3.4', 'b:10.0.0.1', 'c=[fe80::1]', 'd:::1', 'e:[::2]', 'f=[1.2.3.4]', 'g:host-gateway', 'a.b-c=::'),
    [
      { host: 'a', ip: '1.2.3.4' },
      { host: 'b', ip: '10.0.0.1' },
      { host: 'c', ip: 'fe80::1' },
      { host: 'd', ip: '::1' },
      { host: 'e', ip: '::2' },
      { host: 'f', ip: '1.2.3.4' },
      { host: 'g', ip: 'host-gateway' },
      { host: 'a.b-c', ip: '::' },
    ],
  );
  for (const text of [
    '',
    'a',
    '=1.2.3.4',
    ':1.2.3.4',
    'a=',
    'a:',
    'a=1.2.3',
    'a=b',
    'a b=1.2.3.4',
    'a=[]',
    'a=[host-gateway]',
    'a\n=::',
  ]) {
    const error = t.throws(
      () => collectHost(text, undefined),
      { instanceOf: TsbuildError, message: /--add-host/ },
      text,
    );
    t.is(error?.code, 'FLAG_INVALID', text);
  }
});

test('--no-cache-filter', (t) => {
  t.deepEqual(collectStages('c', collectStages('a, b', undefined)), ['a', 'b', 'c']);
  for (const text of ['a,,b', '"a']) t.throws(() => collectStages(text, undefined), { message: /--no-cache-filter/ });
});

test('--max-parallelism', (t) => {
  t.is(readParallelism('--max-parallelism', '4'), 4);
  t.is(readParallelism('--max-parallelism', '0'), 0);
  for (const text of ['', '-1', '1.5', 'many', '1e3', '99999999'])
    t.throws(() => readParallelism('--max-parallelism', text), { message: /--max-parallelism/ }, text);
});

test('--build-arg-file', (t) => {
  const folder = makeTempDir('flags');
  t.teardown(() => removeTree(folder));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const first = write('first', '\ufeff# a comment\n\nA=1\r\nB=two words = 2\nC\n  \nD=\n#E=5\nA=3');
  const second = write('second', 'F= f \n');
  const args = readBuildArgFiles([first, second]);
  t.deepEqual(args, ['A=1', 'B=two words = 2', 'C', 'D=', 'A=3', 'F= f ']);
  t.deepEqual(parseBuildArgs([...args, 'F=flag'], { C: 'environment' }), {
    A: '3',
    B: 'two words = 2',
    C: 'environment',
    D: '',
    F: 'flag',
  });
  const fails = (text: string, message: RegExp): void => {
    const error = t.throws(() => readBuildArgFiles([write('bad', text)]), { instanceOf: TsbuildError, message }, text);
    t.is(error?.code, 'FLAG_INVALID');
  };
  fails('A=1\n=2\n', /bad:2.*no name/);
  fails('A=1\n\nB C=2\n', /bad:3.*white space/);
  fails('A\0=1', /bad:1.*zero byte/);
  t.throws(() => readBuildArgFiles([join(folder, 'absent')]), { message: /no such file/ });
  t.throws(() => readBuildArgFiles([folder]), { message: /directory/i });
});
