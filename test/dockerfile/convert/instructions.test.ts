// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions of the language under test
import test from 'ava';
import type { LintWarning } from '../../../src/dockerfile/lint/index.ts';
import { Bases, convert, findOp, listHistory, listNames } from './support.ts';

test('config and history are what BuildKit writes', async (t) => {
  const result = await convert(
    `FROM base
MAINTAINER Jo <jo@x>
ENV A=b C="d e" F="g $A"
LABEL a.b="c d" e=$A
EXPOSE 8000-8001 53/UDP $PORT
VOLUME /v "/w"
VOLUME ["/x y"]
USER $A:1
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=90s --retries=3 CMD curl -f "x y"
SHELL ["/bin/bash", "-ec"]
CMD a "b" $C
ENTRYPOINT ["/e", "\\"q\\"\\n"]
`,
    { buildArgs: { PORT: '1' }, labels: { l: 'from the command line', e: 'wins' } },
  );
  t.deepEqual(listHistory(result), [
    'MAINTAINER Jo <jo@x>',
    'ENV A=b C=d e F=g ',
    'LABEL a.b=c d e=b',
    'EXPOSE [53/udp 8000/tcp 8001/tcp]',
    'VOLUME [/v /w]',
    'VOLUME [/x y]',
    'USER b:1',
    'STOPSIGNAL SIGQUIT',
    'HEALTHCHECK {Test:[CMD-SHELL curl -f "x y"] Interval:1m30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:3}',
    'SHELL [/bin/bash -ec]',
    'CMD ["/bin/bash" "-ec" "a \\"b\\" $C"]',
    'ENTRYPOINT ["/e" "\\"q\\"\\n"]',
  ]);
  t.deepEqual(result.image.config, {
    User: 'b:1',
    ExposedPorts: { '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} },
    Env: ['PATH=/bin', 'A=b', 'C=d e', 'F=g '],
    Entrypoint: ['/e', '"q"\n'],
    Cmd: ['/bin/bash', '-ec', 'a "b" $C'],
    ArgsEscaped: true,
    Volumes: { '/v': {}, '/w': {}, '/x y': {} },
    Labels: { 'a.b': 'c d', e: 'wins', l: 'from the command line' },
    StopSignal: 'SIGQUIT',
    Healthcheck: { Test: ['CMD-SHELL', 'curl -f "x y"'], Interval: 90e9, Retries: 3 },
    Shell: ['/bin/bash', '-ec'],
  });
  t.is(result.image.author, 'Jo <jo@x>');
  t.true(result.image.history.every((entry) => entry.created === undefined));
});

test('values are frozen within an instruction, ARG goes one by one', async (t) => {
  const result = await convert('FROM a\nENV x=1\nENV x=2 y=$x\nENV z=$x$y\nARG p=1 q=$p$x\nRUN e');
  t.deepEqual([...findOp(result, 'exec', /RUN/).meta.env], ['PATH=/bin', 'x=2', 'y=1', 'z=21', 'p=1', 'q=12']);
});

test('scopes of ARG', async (t) => {
  const source = 'ARG tag=1\nARG name=img$tag\nFROM $name:$tag\nRUN a\nARG name\nARG only\nARG tag=default\nRUN b';
  const result = await convert(source, { buildArgs: { tag: '7', unused: 'x' } });
  t.regex(listNames(result)[0] ?? '', /library\/img7:7$/);
  t.deepEqual(
    [...findOp(result, 'exec', /RUN a/).meta.env],
    ['PATH=/bin'],
    'a global value is not in the stage by itself',
  );
  t.deepEqual([...findOp(result, 'exec', /RUN b/).meta.env], ['PATH=/bin', 'name=img7', 'tag=7']);
  t.deepEqual(listHistory(result), [
    '+ RUN /bin/sh -c a # buildkit',
    'ARG name=img7',
    'ARG only',
    'ARG tag=7',
    '+ RUN |3 name=img7 only= tag=7 /bin/sh -c b # buildkit',
  ]);
});

test('proxy arguments need no declaration and are no part of the step', async (t) => {
  const plain = await convert('FROM a\nRUN x');
  const result = await convert('FROM a\nRUN x', { buildArgs: { https_proxy: 'http://p', NO_PROXY: 'h' } });
  t.deepEqual(findOp(result, 'exec', /x/).meta.proxyEnv, [
    'HTTPS_PROXY=http://p',
    'https_proxy=http://p',
    'NO_PROXY=h',
    'no_proxy=h',
  ]);
  t.deepEqual(result.definition.head, plain.definition.head, 'the digest is the same');
  t.deepEqual(listHistory(result), listHistory(plain));
});

test('ENTRYPOINT takes away a command that came with the base only', async (t) => {
  const meta = () => new Bases({ 'docker.io/library/a:latest': { Cmd: ['base'], Entrypoint: ['e0'] } });
  const cmd = async (source: string) => (await convert(source, { meta: meta() })).image.config.Cmd;
  t.deepEqual(await cmd('FROM a'), ['base']);
  t.is(await cmd('FROM a\nENTRYPOINT ["e"]'), undefined);
  t.deepEqual(await cmd('FROM a\nCMD ["c"]\nENTRYPOINT ["e"]'), ['c']);
  t.deepEqual(await cmd('FROM a\nENTRYPOINT ["e"]\nCMD ["c"]'), ['c']);
  t.is((await convert('FROM a\nENTRYPOINT []', { meta: meta() })).image.config.Entrypoint, undefined);
});

test('WORKDIR: relative, cleaned, made for the user; the root needs no step', async (t) => {
  const result = await convert(
    'FROM a\nWORKDIR /a//b/\nWORKDIR c/../d\nUSER u:g\nWORKDIR ../e\nWORKDIR /\nWORKDIR ""\nRUN x',
  );
  t.deepEqual(listHistory(result).slice(0, 6), [
    '+ WORKDIR /a//b/',
    '+ WORKDIR /a/b/d',
    'USER u:g',
    '+ WORKDIR /a/b/e',
    'WORKDIR /',
    'WORKDIR /',
  ]);
  t.like(findOp(result, 'file', /3\/7/), {
    actions: [{ type: 'mkdir', path: '/a/b/d', mode: 0o755, makeParents: true }],
  });
  t.false('owner' in (findOp(result, 'file', /3\/7/).actions[0] ?? {}));
  t.like(findOp(result, 'file', /4\/7/), { actions: [{ path: '/a/b/e', owner: 'u:g' }] });
  t.is(findOp(result, 'exec', /x/).meta.cwd, '/');
  t.false('mtime' in (findOp(result, 'file', /3\/7/).actions[0] ?? {}));
  const timed = { buildArgs: { SOURCE_DATE_EPOCH: '7' }, sourceDateEpoch: '8' };
  t.like(findOp(await convert('FROM a\nWORKDIR /w', timed), 'file', /w/).actions[0], { mtime: 7 });
  t.like(findOp(await convert('FROM a\nWORKDIR /w', { sourceDateEpoch: '8' }), 'file', /w/).actions[0], { mtime: 8 });
  const based = await convert('FROM a\nWORKDIR sub', {
    meta: new Bases({ 'docker.io/library/a:latest': { WorkingDir: '/base/' } }),
  });
  t.is(based.image.config.WorkingDir, '/base/sub');
});

const DESTINATIONS: readonly (readonly [dest: string, expected: string])[] = [
  ['/x', '/x'],
  ['/x/', '/x/'],
  ['x', '/w/x'],
  ['x/', '/w/x/'],
  ['.', '/w/'],
  ['./', '/w/'],
  ['x/.', '/w/x/'],
  ['..', '/'],
  ['/', '/'],
  ['/../../e', '/e'],
  ['$D', '/var/'],
];

for (const [dest, expected] of DESTINATIONS)
  test(`COPY to ${dest}`, async (t) => {
    const result = await convert(`FROM a\nENV D=/var/\nWORKDIR /w\nCOPY f ${dest}`);
    t.like(findOp(result, 'file', /COPY/), { actions: [{ dest: expected }] });
  });

test('COPY is one op with one action a source', async (t) => {
  const result = await convert(
    'FROM a\nENV S=src O=7\nCOPY --chown=$O:8 --chmod=0640 a ../$S/*.c "q" r/ /d/\nADD x.tar --odd /e',
  );
  const copy = findOp(result, 'file', /COPY/);
  t.like(copy, { base: 0 });
  t.is(copy.inputs.length, 2);
  t.deepEqual(
    copy.actions.map((action) => action.type === 'copy' && action.src),
    ['/a', '/src/*.c', '/q', '/r'],
  );
  t.like(copy.actions[0], {
    type: 'copy',
    input: 1,
    dest: '/d/',
    owner: '7:8',
    mode: 0o640,
    followSymlinks: true,
    dirCopyContents: true,
    allowWildcard: true,
    allowEmptyWildcard: true,
    createDestPath: true,
    attemptUnpack: false,
  });
  t.like(findOp(result, 'file', /ADD/), { actions: [{ src: '/x.tar', attemptUnpack: true }, { src: '/--odd' }] });
  t.deepEqual(result.contexts[0]?.paths?.includes('/src/*.c'), true);
});

test('the history of COPY and ADD', async (t) => {
  const result = await convert(
    'FROM a\nENV D=/d\nCOPY --chown=1:2 --chmod=755 a b $D/\nADD ./x.tar .\nCOPY <<one <<two $D\n1\none\n2\ntwo',
  );
  t.deepEqual(listHistory(result).slice(1), [
    '+ COPY --chown=1:2 --chmod=755 a b /d/ # buildkit',
    '+ ADD ./x.tar . # buildkit',
    '+ COPY <<one <<two /d # buildkit',
  ]);
});

test('heredocs of COPY are files that are copied; variables are replaced unless the name is quoted', async (t) => {
  const result = await convert("FROM a\nENV V=v\nCOPY <<a.txt <<'b' /d/\nsay \"$V\" it's \\$V\na.txt\n$V\nb");
  const files = [...result.definition.ops.values()].flatMap((op) =>
    op.type === 'file' && op.base === -1 ? op.actions : [],
  );
  t.deepEqual(files, [
    { type: 'mkfile', path: '/a.txt', mode: 0o644, data: 'say "v" it\'s $V\n' },
    { type: 'mkfile', path: '/b', mode: 0o644, data: '$V\n' },
  ]);
  t.like(findOp(result, 'file', /COPY/), {
    actions: [
      { src: '/a.txt', input: 1 },
      { src: '/b', input: 2 },
    ],
  });
  t.deepEqual(result.contexts, [], 'nothing of the context is read');
});

test('contexts: what steps may read of them', async (t) => {
  const paths = async (lines: string) => (await convert(`FROM a\n${lines}`)).contexts[0]?.paths;
  t.deepEqual(await paths('COPY a b/c /x/\nADD ./d/ /y\nRUN --mount=target=/m,source=e z'), ['/a', '/b/c', '/d', '/e']);
  t.is(await paths('COPY a /x\nCOPY . /y'), undefined);
  t.is(await paths('COPY . /y\nCOPY a /x'), undefined);
  t.is(await paths('RUN --mount=target=/m z'), undefined);
  t.is((await convert('FROM a\nRUN x')).contexts.length, 0);
  t.deepEqual((await convert('FROM a AS unused\nCOPY secret /\nFROM b\nCOPY x /')).contexts[0]?.paths, ['/x']);
});

const RUNS: readonly (readonly [text: string, args: readonly string[]])[] = [
  ['RUN a  $B "c"', ['/bin/sh', '-c', 'a  $B "c"']],
  ['RUN ["a", "$B"]', ['a', '$B']],
  ['RUN <<EOF\na\n $b\nEOF', ['/bin/sh', '-c', 'a\n $b\n']],
  ['RUN <<-EOF\n\ta\n\tEOF', ['/bin/sh', '-c', 'a\n']],
  ['RUN <<EOF\n#!/usr/bin/env python3\nx\nEOF', ['/bin/sh', '-c', '/dev/pipes/EOF']],
  // Its #! is indented: BuildKit takes it for a comment.
  ['RUN <<-EOF\n\t#!/bin/x\n\ta\nEOF', ['/bin/sh', '-c', '#!/bin/x\na\n']],
  ['RUN cat <<A <<-B\n1\nA\n\t2\n\tB', ['/bin/sh', '-c', 'cat <<A <<-B\n1\nA\n\t2\nB']],
  ['RUN <<EOF sh\na\nEOF', ['/bin/sh', '-c', '<<EOF sh\na\nEOF']],
  ['SHELL ["s", "-x"]\nRUN a', ['s', '-x', 'a']],
];

for (const [text, args] of RUNS)
  test(`runs ${JSON.stringify(text)}`, async (t) => {
    const result = await convert(`FROM a\n${text}`);
    t.deepEqual(findOp(result, 'exec', /RUN/).meta.args, [...args]);
    t.is(listHistory(result).at(-1), `+ RUN ${args.join(' ')} # buildkit`);
  });

test('a heredoc with its own #! is mounted and run', async (t) => {
  const result = await convert('FROM a\nRUN <<-EOF\n#!/bin/x\n\tgo\n\tEOF');
  const run = findOp(result, 'exec', /RUN/);
  t.deepEqual(run.mounts[1], {
    type: 'bind',
    input: 1,
    target: '/dev/pipes',
    written: '/dev/pipes/',
    selector: '/',
    readonly: true,
    output: -1,
  });
  t.like(findOp(result, 'file', /inline/), { actions: [{ path: '/EOF', mode: 0o755, data: '#!/bin/x\ngo\n' }] });
  t.is(listNames(result).at(-1), '[2/2] RUN <<-EOF (#!/bin/x...)');
});

test('mounts', async (t) => {
  const result = await convert(
    `FROM a AS s
FROM b
WORKDIR /w
ENV T=/t ID=i
RUN --mount=type=bind,from=s,source=/x,target=$T --mount=type=bind,target=rel,rw --mount=type=cache,target=/c \\
    --mount=type=cache,id=$ID,target=d,from=s,source=seed,sharing=locked,uid=5,gid=6,mode=0700,ro \\
    --mount=type=tmpfs,target=/tmp,size=1m --mount=type=tmpfs,target=/tmp2 x`,
    { cacheIdNamespace: 'ns' },
  );
  const run = findOp(result, 'exec', /RUN/);
  t.is(run.inputs.length, 3, 'the root, the stage (once), the context');
  t.deepEqual(run.mounts, [
    { type: 'bind', input: 0, target: '/', selector: '/', readonly: false, output: 0 },
    { type: 'bind', input: 1, target: '/t', selector: '/x', readonly: true, output: -1 },
    { type: 'bind', input: 2, target: '/w/rel', selector: '/', readonly: false, output: -1 },
    {
      type: 'cache',
      id: 'ns//c',
      target: '/c',
      sharing: 'shared',
      readonly: false,
      input: -1,
      selector: '/',
      mode: 0o755,
      uid: 0,
      gid: 0,
    },
    {
      type: 'cache',
      id: 'ns/i',
      target: '/w/d',
      sharing: 'locked',
      readonly: true,
      input: 1,
      selector: '/seed',
      mode: 0o700,
      uid: 5,
      gid: 6,
      owned: true,
    },
    { type: 'tmpfs', target: '/tmp', sizeBytes: 2 ** 20 },
    { type: 'tmpfs', target: '/tmp2' },
  ]);
});

test('a mount without a target is made at the working directory', async (t) => {
  const { mounts } = findOp(await convert('FROM a\nWORKDIR /w\nRUN --mount=type=cache x', {}), 'exec', /RUN/);
  t.like(mounts[1], { type: 'cache', id: '/.', target: '/w' });
});

test('network: the flag, or the default of the build', async (t) => {
  const network = async (flag: string, options = {}) =>
    findOp(await convert(`FROM a\nRUN ${flag} x`, options), 'exec', /RUN/).network;
  t.is(await network(''), 'default');
  t.is(await network('--network=none'), 'none');
  t.is(await network('--network=host'), 'host');
  t.is(await network('', { network: 'none' }), 'none');
  t.is(await network('--network=default', { network: 'none' }), 'none');
  t.is(await network('--network=host', { network: 'none' }), 'host');
});

test('--no-cache and its filter mark steps that run or copy', async (t) => {
  const source = 'FROM a AS one\nRUN 1\nFROM b AS two\nCOPY --from=one / /\nWORKDIR /x';
  const marked = async (options: object) =>
    [...(await convert(source, options)).definition.metadata.values()]
      .filter((item) => item.ignoreCache)
      .map(({ name }) => name);
  t.deepEqual(await marked({}), []);
  t.deepEqual(await marked({ noCache: true }), ['[one 2/2] RUN 1', '[two 2/3] COPY --from=one / /']);
  t.deepEqual(await marked({ noCacheFilter: ['ONE'] }), ['[one 2/2] RUN 1']);
});

test('vertex names', async (t) => {
  const lines = Array.from({ length: 9 }, (_, index) => `run echo ${index} \\\n  "$A" $UNSET`);
  const result = await convert(`FROM a\nENV A=b\n${lines.join('\n')}`);
  t.is(listNames(result)[0], '[ 1/10] FROM docker.io/library/a:latest');
  t.is(listNames(result)[1], '[ 2/10] RUN echo 0   "b" $UNSET');
  t.is(listNames(result).at(-1), '[10/10] RUN echo 8   "b" $UNSET');
  const mounted = await convert('FROM a\nRUN --mount=type=tmpfs,target=/t x');
  t.is(listNames(mounted).at(-1), '[stage-0 2/2] RUN --mount=type=tmpfs,target=/t x');
});

test('a name that is not set is warned about once it is used', async (t) => {
  const warnings: LintWarning[] = [];
  await convert('FROM a\nENV NAME=x\nARG DECLARED\nLABEL a=$NAM b=$DECLARED\nCOPY ${X:-a} \\\n\n /b', {
    onWarning: (warning) => warnings.push(warning),
  });
  t.deepEqual(
    warnings.map(({ rule, message }) => `${rule.name} ${message}`),
    [
      'NoEmptyContinuation an empty line inside a continued instruction; a later version will refuse it',
      'UndefinedVar the variable $NAM is not set (did you mean $NAME?)',
      'UndefinedVar the variable $X is not set',
    ],
  );
  t.deepEqual(warnings[1]?.range?.start, { line: 4, column: 6 });
});

test('a build argument that nothing takes is warned about, with the name that may be meant', async (t) => {
  const warnings: LintWarning[] = [];
  await convert('ARG GLOBAL R\nFROM a AS other\nARG VERSION=1 SECOND\nFROM a\nONBUILD ARG LATER\n', {
    buildArgs: {
      GLOBAL: '',
      SECOND: '',
      LATER: '',
      VERSIN: '2',
      Z: '',
      BUILDKIT_INLINE_CACHE: '1',
      http_proxy: 'x',
      SOURCE_DATE_EPOCH: '0',
      TARGETARCH: 'x',
    },
    onWarning: (warning) => warnings.push(warning),
  });
  t.deepEqual(
    warnings.map(({ rule, message }) => `${rule.name} ${message}`),
    [
      'UnusedBuildArg no ARG takes the build argument VERSIN (did you mean VERSION?)',
      'UnusedBuildArg no ARG takes the build argument Z',
    ],
  );
});

test('what is read otherwise than its author may think is warned about', async (t) => {
  const warn = async (source: string): Promise<string[]> => {
    const warnings: string[] = [];
    await convert(source, { onWarning: ({ rule, message }) => warnings.push(`${rule.name} ${message}`) });
    return warnings;
  };
  for (const image of [
    'docker/dockerfile',
    'docker/dockerfile:1.7-labs',
    'mirror.example/x/docker/dockerfile@sha256:0',
  ])
    t.deepEqual(await warn(`# syntax=${image}\nFROM a`), []);
  t.deepEqual(await warn('# syntax=r.example/mine:1\nFROM a'), [
    'ForeignSyntax r.example/mine:1 is not run: the file is read as a Dockerfile of docker/dockerfile',
  ]);
  t.deepEqual(await warn('FROM a\nCOPY b/../c ../d/../e /x/'), [
    'CopyOutsideContext "../d/../e" is above the build context; "/e" of the context is read',
  ]);
  t.deepEqual(await warn('FROM a AS s\nFROM a\nCOPY --from=s ../x /x'), [], 'a stage has its root for all to see');
});

test('an abort ends the conversion', async (t) => {
  const reason = new Error('stop');
  await t.throwsAsync(convert('FROM a', { signal: AbortSignal.abort(reason) }), { is: reason });
});

test('the graph does not depend on names and places', async (t) => {
  const head = async (source: string) => (await convert(source)).definition.head?.digest;
  t.is(await head('FROM a\nRUN x'), await head('# c\nFROM a AS other\n\nrun   x'));
  t.not(await head('FROM a\nRUN x'), await head('FROM a\nRUN y'));
  t.not(await head('FROM a\nRUN x'), await head('FROM a\nENV e=1\nRUN x'));
  t.is(await head('FROM a\nRUN x'), await head('FROM a\nLABEL l=1\nRUN x'));
});

test('build arguments that BuildKit itself reads', async (t) => {
  const result = await convert('FROM a\nRUN --mount=type=cache,target=/c x', {
    buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'team', BUILDKIT_SANDBOX_HOSTNAME: 'builder' },
  });
  const run = findOp(result, 'exec', /RUN/);
  t.like(run.mounts[1], { id: 'team//c' });
  t.is(run.meta.hostname, 'builder');
  t.deepEqual([...run.meta.env], ['PATH=/bin']);
});
