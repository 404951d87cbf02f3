// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions of the language under test
import test from 'ava';
import { DockerfileError } from '../../../src/dockerfile/errors.ts';
import { ARM64, Bases, convert, findOp, listHistory, listNames } from './support.ts';

test('stages that the target does not need are left out, with their bases', async (t) => {
  const meta = new Bases();
  const result = await convert(
    'FROM a AS one\nRUN 1\nFROM b AS two\nRUN 2\nFROM c AS three\nCOPY --from=one /x /y\nFROM d\nRUN 4',
    { meta, target: 'Three' },
  );
  t.deepEqual(listNames(result), [
    '[three 1/2] FROM docker.io/library/c:latest',
    '[one 1/2] FROM docker.io/library/a:latest',
    '[one 2/2] RUN 1',
    '[three 2/2] COPY --from=one /x /y',
  ]);
  t.deepEqual(meta.asked.sort(), [
    '[internal] load metadata for docker.io/library/a:latest (amd64)',
    '[internal] load metadata for docker.io/library/c:latest (amd64)',
  ]);
  t.deepEqual(result.stageNames, ['one', 'two', 'three', '3']);
});

test('a target is found by name or index, else by what is near', async (t) => {
  const source = 'FROM a AS base\nFROM b AS release\nFROM c';
  const head = async (target?: string) => listNames(await convert(source, target === undefined ? {} : { target }));
  t.regex((await head('BASE'))[0] ?? '', /a:latest/);
  t.regex((await head('1'))[0] ?? '', /b:latest/);
  t.regex((await head())[0] ?? '', /c:latest/);
  t.regex((await head(''))[0] ?? '', /c:latest/);
  const error = await t.throwsAsync(convert(source, { target: 'relase' }), { instanceOf: DockerfileError });
  t.is(error?.code, 'DOCKERFILE_STAGE');
  t.is(error?.hint, 'did you mean release?');
  t.is(
    (await t.throwsAsync(convert(source, { target: '7' }), { instanceOf: DockerfileError }))?.hint,
    'the stages are base, release',
  );
});

test('a stage on a stage goes on where that ended', async (t) => {
  const result = await convert(
    'FROM a AS base\nARG X=1\nENV E=2\nWORKDIR /w\nUSER u\nLABEL l=1\nCMD ["c"]\nFROM base AS next\nRUN x\nENTRYPOINT ["e"]',
  );
  const run = findOp(result, 'exec', /RUN x/);
  t.deepEqual([...run.meta.env], ['X=1', 'PATH=/bin', 'E=2']);
  t.is(run.meta.cwd, '/w');
  t.is(run.meta.user, 'u');
  t.like(result.image.config, { User: 'u', WorkingDir: '/w', Labels: { l: '1' }, Env: ['PATH=/bin', 'E=2'] });
  t.is(result.image.config.Cmd, undefined, 'the command was meant for another entrypoint');
  t.deepEqual(listHistory(result), [
    'ARG X=1',
    'ENV E=2',
    '+ WORKDIR /w',
    'USER u',
    'LABEL l=1',
    'CMD ["c"]',
    '+ RUN |1 X=1 /bin/sh -c x # buildkit',
    'ENTRYPOINT ["e"]',
  ]);
  t.deepEqual(listNames(result).at(-1), '[next 1/1] RUN x');
  t.is(result.image.baseConfig?.history?.length, 1);
});

test('equal work in two stages is one op', async (t) => {
  const result = await convert(
    'FROM a AS x\nRUN 1\nFROM a AS y\nRUN 1\nRUN 2\nFROM scratch\nCOPY --from=x / /\nCOPY --from=y / /y',
  );
  t.is([...result.definition.ops.values()].filter(({ type }) => type === 'exec').length, 2);
});

test('names of stages are as long and as odd as names of images', async (t) => {
  for (const name of ['a---b', 'a__b', 'a.b', 'x'.repeat(237)])
    t.is(listNames(await convert(`FROM scratch AS ${name}\nRUN x`)).at(-1), '[1/1] RUN x');
});

test('--from names a stage, an index, an image', async (t) => {
  const source = 'FROM a\nRUN 1\nFROM b\nCOPY --from=0 /a /a\nCOPY --from=other:1 /b /b\nCOPY --from=scratch /c /c';
  const result = await convert(source);
  t.deepEqual(listNames(result), [
    '[stage-1 1/4] FROM docker.io/library/b:latest',
    '[stage-0 1/2] FROM docker.io/library/a:latest',
    '[stage-0 2/2] RUN 1',
    '[stage-1 2/4] COPY --from=0 /a /a',
    'FROM docker.io/library/other:1',
    '[stage-1 3/4] COPY --from=other:1 /b /b',
    '[stage-1 4/4] COPY --from=scratch /c /c',
  ]);
  t.like(findOp(result, 'file', /scratch/), { actions: [{ input: -1, src: '/c' }] });
});

const WRONG: readonly (readonly [source: string, line: number, message: RegExp])[] = [
  ['FROM a AS x\nCOPY --from=x / /', 2, /"x" depends on itself/],
  ['FROM a AS x\nCOPY --from=y / /\nFROM b AS y\nCOPY --from=x / /', 4, /depends on itself/],
  ['FROM a\nCOPY --from=1 / /\nFROM b', 2, /must be defined before/],
  ['FROM a\nRUN --mount=from=later,target=/x y\nFROM b AS later', 2, /must be defined before/],
  ['FROM a\nCOPY --from=5 / /', 2, /there is no stage 5/],
  ["FROM a\nCOPY --from=it\\'s / /", 2, /the closing ' is missing/],
  ['FROM a\nCOPY --from=$x / /', 2, /variables are not supported in --from/],
  ['FROM ${nothing}', 1, /is empty/],
  ['ARG p\nFROM --platform=$p a', 2, /the platform \$p is empty/],
  ['FROM --platform=linux/a/b/c a', 1, /too many parts/],
  ['FROM UPPER', 1, /lower case/],
  ['FROM UPPER AS unused\nFROM a', 1, /lower case/],
  ['FROM a AS unused\nCOPY --from=x: / /\nFROM a', 2, /tag "" is not allowed/],
  ['FROM a AS unused\nRUN --mount=from=x-,target=/x y\nFROM a', 2, /x- is no stage of this file, and as an image/],
  ['FROM a\nFROM a AS x-\nFROM a', 2, /invalid stage name "x-"/],
  ['FROM a AS x..y', 1, /invalid stage name "x\.\.y"/],
  [`FROM a AS ${'x'.repeat(238)}`, 1, /invalid stage name "x{100}…"/],
  ['FROM missing', 1, /not found/],
  ['ARG a', 0, /no stage/],
  ['FROM a\nCOPY ${x:?needed} /', 2, /x: needed/],
  ['FROM a\nSTOPSIGNAL NOPE', 2, /invalid signal/],
  ['FROM a\nEXPOSE 80/xyz', 2, /invalid protocol/],
  ['FROM a\nEXPOSE 70000', 2, /invalid port/],
  ['FROM a\nEXPOSE 9-1', 2, /invalid port/],
  [`FROM a\nEXPOSE ${'1-65535 '.repeat(5000)}`, 2, /more than 1000000 ports/],
  ['FROM a\nVOLUME $none', 2, /empty string/],
  ['FROM a\nRUN --device=v/c=x,required=maybe y', 2, /required is "maybe"/],
  ['FROM a\nRUN --device=v/c=x,name=z y', 2, /named twice/],
  ['FROM a\nRUN --device=v/c=x,other y', 2, /"other" must be a key=value pair/],
  ['FROM a\nRUN --device=v/c=x,requird=true y', 2, /unexpected key "requird"/],
  ['FROM a\nCOPY --chmod=999 a b', 2, /not a mode/],
  ['FROM a\nCOPY --chmod=17777 a b', 2, /out of range/],
  ['FROM a\nCOPY https://x.org/y /', 2, /cannot be a URL/],
  ['FROM a\nRUN --mount=type=cache,target=/ x', 2, /target cannot be/],
  ['FROM a\nRUN --mount=type=cache x', 2, /target cannot be/],
  ['FROM a\nRUN []', 2, /no command/],
];

for (const [source, line, message] of WRONG)
  test(`refuses ${JSON.stringify(source)}`, async (t) => {
    // The first stage is the target where a later one must only be there to be named.
    const target = source.includes('\nFROM') ? { target: '0' } : {};
    const error = await t.throwsAsync(convert(source, target), { instanceOf: DockerfileError, message });
    t.is(error?.range?.start.line ?? 0, line);
    t.is(error?.file, 'Dockerfile');
    if (line > 0) t.regex(error?.frame ?? '', new RegExp(`^Dockerfile:${line}:[\\s\\S]*\\^`));
  });

test('a base without a name says how to give it one', async (t) => {
  const error = await t.throwsAsync(convert('ARG VERSION\nFROM ${BASE}'), { instanceOf: DockerfileError });
  t.regex(error?.hint ?? '', /--build-arg NAME=value/);
  const near = await t.throwsAsync(convert('ARG BASE=a\nFROM ${BASEE}'), { instanceOf: DockerfileError });
  t.regex(near?.hint ?? '', /did you mean BASE/);
});

test('what a stage that is not needed holds is no hindrance, but its syntax is', async (t) => {
  await t.notThrowsAsync(convert('FROM missing\nRUN --mount=type=ssh x\nFROM b'));
  await t.throwsAsync(convert('FROM missing\nRUNN x\nFROM b'), { message: /unknown instruction/ });
});

test('a base that could be a misspelt stage says so', async (t) => {
  const error = await t.throwsAsync(convert('FROM a AS missingg\nFROM missing'), { instanceOf: DockerfileError });
  t.is(error?.code, 'MANIFEST_UNKNOWN');
  t.is(error?.hint, 'did you mean missingg?');
  t.deepEqual(error?.range?.start, { line: 2, column: 5 });
});

test('the triggers of a base run first, and once', async (t) => {
  const onbuild = {
    'docker.io/library/a:latest': {
      Env: ['PATH=/bin'],
      OnBuild: ['ARG V=1', 'COPY --from=tools /t /t', 'RUN make $V'],
    },
  };
  const meta = new Bases(onbuild);
  const result = await convert('FROM t AS tools\nFROM a AS mid\nRUN own\nONBUILD RUN later\nFROM mid\nRUN last', {
    meta,
  });
  t.deepEqual(listNames(result), [
    '[mid 1/5] FROM docker.io/library/a:latest',
    '[tools 1/1] FROM docker.io/library/t:latest',
    '[mid 2/5] ONBUILD COPY --from=tools /t /t',
    '[mid 3/5] ONBUILD RUN make 1',
    '[mid 4/5] RUN own',
    '[stage-2 1/2] ONBUILD RUN later',
    '[stage-2 2/2] RUN last',
  ]);
  t.is(result.image.config.OnBuild, undefined);
  t.true(
    meta.asked.some((line) => line.includes('/t:latest')),
    'a trigger may need a further base',
  );
  const kept = await convert('FROM b\nONBUILD RUN <<EOF\nx\nEOF\nONBUILD COPY . /app');
  t.deepEqual(kept.image.config.OnBuild, ['RUN <<EOF\nx\nEOF', 'COPY . /app']);
  t.deepEqual(listHistory(kept), [], 'ONBUILD leaves no history');
});

test('a bad trigger is an error of the FROM that brings it in', async (t) => {
  const meta = new Bases({ 'docker.io/library/a:latest': { OnBuild: ['RUNN x'] } });
  const error = await t.throwsAsync(convert('# c\nFROM a', { meta }), { instanceOf: DockerfileError });
  t.is(error?.range?.start.line, 2);
  t.regex(error?.message ?? '', /ONBUILD trigger "RUNN x" of a: unknown instruction/);
});

test('platforms: asked for, forced, and told to the build', async (t) => {
  const meta = new Bases();
  const result = await convert(
    'FROM --platform=$BUILDPLATFORM tools AS build\nARG TARGETARCH TARGETVARIANT BUILDOS\nRUN make\nFROM a\nCOPY --from=build /o /o',
    { meta, targetPlatform: ARM64, multiPlatform: true },
  );
  t.deepEqual(listNames(result), [
    '[linux/arm64 stage-1 1/2] FROM docker.io/library/a:latest',
    '[linux/amd64 build 1/2] FROM docker.io/library/tools:latest',
    '[linux/amd64->arm64 build 2/2] RUN make',
    '[linux/arm64 stage-1 2/2] COPY --from=build /o /o',
  ]);
  t.deepEqual(meta.asked.sort(), [
    '[linux/amd64 internal] load metadata for docker.io/library/tools:latest (amd64)',
    '[linux/arm64 internal] load metadata for docker.io/library/a:latest (arm64)',
  ]);
  const run = findOp(result, 'exec', /make/);
  t.deepEqual(run.platform, { os: 'linux', architecture: 'amd64' });
  t.deepEqual([...run.meta.env], ['PATH=/bin', 'TARGETARCH=arm64', 'TARGETVARIANT=', 'BUILDOS=linux']);
  t.like(result.image, { os: 'linux', architecture: 'arm64' });
});

test('an image is for the platform of its base where none was asked for', async (t) => {
  const source = 'FROM --platform=linux/arm64 a AS only-arm\nFROM only-arm\nENV x=y';
  const asked = await convert(source);
  const open = await convert(source, { platformFromBase: true });
  t.is(asked.platform.architecture, 'amd64');
  t.is(open.platform.architecture, 'arm64');
  t.is((await convert('FROM scratch\nENV x=y', { platformFromBase: true })).platform.architecture, 'amd64');
});

test('scratch and images without layers are empty trees', async (t) => {
  for (const base of ['scratch', 'hollow']) {
    const result = await convert(`FROM ${base}\nENV a=b`);
    t.is(result.definition.head, undefined);
    t.is(result.definition.ops.size, 0);
  }
  const scratch = await convert('FROM scratch');
  t.deepEqual(scratch.image.config, {
    WorkingDir: '/',
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  });
  const op = findOp(await convert('FROM scratch\nCOPY a /b'), 'file', /COPY/);
  t.like(op, { base: -1, actions: [{ input: 0 }] });
});

test('named contexts stand in for stages, images and --from', async (t) => {
  const namedContexts = new Map([
    ['build', { type: 'image', name: 'build', reference: 'prebuilt:2' }],
    ['docker.io/library/debian:12', { type: 'image', name: 'debian:12', reference: 'mirror.example/debian:12' }],
    ['files', { type: 'local', name: 'files' }],
  ] as const);
  const meta = new Bases();
  const result = await convert(
    'FROM golang AS build\nRUN never\nFROM debian:12\nCOPY --from=build /o /o\nCOPY --from=files sub/a /f\nRUN --mount=from=files,source=m,target=/m x',
    { namedContexts, meta },
  );
  t.deepEqual(listNames(result), [
    '[context debian:12] mirror.example/debian:12',
    '[context build] docker.io/library/prebuilt:2',
    '[stage-1 1/4] COPY --from=build /o /o',
    '[context files] load from client',
    '[stage-1 2/4] COPY --from=files sub/a /f',
    '[stage-1 3/4] RUN --mount=from=files,source=m,target=/m x',
  ]);
  t.deepEqual(result.contexts, [
    { name: 'files', identifier: 'local://files', ignoreFile: true, paths: ['/m', '/sub/a'] },
  ]);
});
