import test from 'ava';
import { DockerfileError } from '../../../src/dockerfile/errors.ts';
import { splitCsv } from '../../../src/dockerfile/instructions/csv.ts';
import type { Instruction } from '../../../src/dockerfile/instructions/index.ts';
import { parseInstruction, parseMount, parseStages } from '../../../src/dockerfile/instructions/index.ts';
import { parseDockerfile } from '../../../src/dockerfile/parser/index.ts';
import { formatDuration, parseBytes, parseDuration } from '../../../src/quantities.ts';

function parse(text: string): Instruction {
  const [node] = parseDockerfile(text).ast.instructions;
  if (node === undefined) throw new Error('no instruction');
  return parseInstruction(node);
}

/** What BuildKit refuses, and the text that the error underlines. */
const REFUSED: readonly (readonly [text: string, underlined: string, message: RegExp])[] = [
  ['FOO bar', 'FOO', /unknown instruction "FOO"/],
  ['FROM', 'FROM', /FROM requires/],
  ['FROM a b', 'FROM a b', /FROM requires/],
  ['FROM a IS b', 'FROM a IS b', /FROM requires/],
  ['FROM a AS 1b', '1b', /invalid stage name/],
  ['FROM a AS b/c', 'b/c', /invalid stage name/],
  ['FROM --platfrom=x a', '--platfrom=x', /unknown flag --platfrom of FROM/],
  ['FROM --platform a', '--platform', /needs a value/],
  ['ENV', 'ENV', /at least one argument/],
  ['ENV =a', '', /names cannot be blank/],
  ['ARG', 'ARG', /at least one/],
  ['ARG =a', '=a', /ARG names cannot be blank/],
  ['COPY a', 'COPY a', /at least two/],
  ['ADD ["a"]', 'ADD ["a"]', /at least two/],
  ['COPY --link=no a b', '--link=no', /expected true or false/],
  ['COPY --link= a b', '--link=', /expected true or false/],
  ['COPY --chown=a --chown=b a b', '--chown=b', /given twice/],
  ['COPY --checksum=x a b', '--checksum=x', /unknown flag/],
  ['ADD --from=x a b', '--from=x', /unknown flag/],
  ['COPY a <<EOF\nEOF', '<<EOF', /heredoc as its destination/],
  ['RUN --network=bridge x', '--network=bridge', /unsupported network mode/],
  ['RUN --security=none x', '--security=none', /security/],
  ['RUN --mount=type=bind,from=$x,target=/a x', '--mount=type=bind,from=$x,target=/a', /does not support variables/],
  ['SHELL', 'SHELL', /at least one/],
  ['SHELL []', 'SHELL []', /at least one/],
  ['SHELL bash -c', 'bash -c', /JSON array/],
  ['HEALTHCHECK', 'HEALTHCHECK', /at least one/],
  ['HEALTHCHECK NONE x', 'x', /takes no arguments/],
  ['HEALTHCHECK EXEC x', 'EXEC', /unknown type "EXEC"/],
  ['HEALTHCHECK CMD', 'HEALTHCHECK CMD', /no command/],
  ['HEALTHCHECK CMD []', 'HEALTHCHECK CMD []', /no command/],
  ['HEALTHCHECK --interval=1 CMD x', '--interval=1', /not a duration/],
  ['HEALTHCHECK --interval=10us CMD x', '--interval=10us', /less than 1ms/],
  ['HEALTHCHECK --timeout=-1s CMD x', '--timeout=-1s', /less than 1ms/],
  ['HEALTHCHECK --retries=-1 CMD x', '--retries=-1', /not a number/],
  ['HEALTHCHECK --retries=x CMD x', '--retries=x', /not a number/],
  ['USER', 'USER', /exactly one/],
  ['WORKDIR', 'WORKDIR', /exactly one/],
  ['STOPSIGNAL', 'STOPSIGNAL', /exactly one/],
  ['USER --x y', '--x', /unknown flag/],
  ['EXPOSE', 'EXPOSE', /at least one/],
  ['VOLUME', 'VOLUME', /at least one/],
  ['VOLUME ["a", " "]', '" "', /empty string/],
  ['ONBUILD', 'ONBUILD', /at least one/],
  ['ONBUILD ONBUILD RUN x', 'ONBUILD', /another ONBUILD/],
  ['ONBUILD FROM x', 'FROM', /cannot hold FROM/],
  ['ONBUILD MAINTAINER x', 'MAINTAINER', /cannot hold MAINTAINER/],
];

for (const [text, underlined, message] of REFUSED)
  test(`refuses ${JSON.stringify(text)}`, (t) => {
    const error = t.throws(() => parse(text), { instanceOf: DockerfileError });
    t.is(error?.code, 'DOCKERFILE_SYNTAX');
    t.regex(error?.message ?? '', message);
    const { start, end } = error?.range ?? { start: { line: 0, column: 0 }, end: { line: 0, column: 0 } };
    t.is(text.split('\n')[start.line - 1]?.slice(start.column, end.column), underlined);
  });

test('misspelt instructions, flags and mount options get a suggestion', (t) => {
  const hint = (text: string) => t.throws(() => parse(text), { instanceOf: DockerfileError })?.hint;
  t.is(hint('RUNN x'), 'did you mean RUN?');
  t.is(hint('ENTRYPOIN x'), 'did you mean ENTRYPOINT?');
  t.is(hint('COPY --chwon=a b c'), 'did you mean --chown?');
  t.is(hint('HEALTHCHECK --intervall=1s CMD x'), 'did you mean --interval?');
  t.is(hint('FOOBAR x'), undefined);
});

test('types every instruction', (t) => {
  const from = parse('FROM --platform=$P a AS Name');
  t.like(from, { kind: 'from', stageName: 'name' });
  const copy = parse('COPY --from=s --chown=u --chmod=1 --link --parents --exclude=a --exclude=b x y /d');
  t.like(copy, { kind: 'copy', chown: 'u', chmod: '1', link: true, parents: true, excludes: ['a', 'b'] });
  t.like(parse('ADD --keep-git-dir=false --unpack --checksum=c x /d'), {
    keepGitDir: false,
    unpack: true,
    checksum: 'c',
  });
  t.like(parse('COPY x /d'), { link: false, excludes: [] });
  t.like(parse('RUN ["a", "b"]'), { command: { args: ['a', 'b'], shell: false }, network: 'default' });
  t.like(parse('RUN --network=none a b'), { command: { args: ['a b'], shell: true }, network: 'none' });
  t.like(parse('CMD'), { kind: 'cmd', command: { args: [], shell: true } });
  t.like(parse('HEALTHCHECK --interval=1m30s --retries=2 CMD ["a"]'), {
    health: { Test: ['CMD', 'a'], Interval: 90e9, Retries: 2 },
  });
  t.deepEqual((parse('HEALTHCHECK --interval=0s CMD a') as { health: object }).health, { Test: ['CMD-SHELL', 'a'] });
  t.like(parse('HEALTHCHECK none'), { health: { Test: ['NONE'] } });
  const expose = parse('EXPOSE 9 10/udp $x 1-2');
  t.deepEqual(expose.kind === 'expose' && expose.values.map((token) => token.value), ['$x', '1-2', '10/udp', '9']);
  t.like(parse('ONBUILD  RUN <<EOF\nx\nEOF'), { expression: 'RUN <<EOF\nx\nEOF' });
  const arg = parse('# b what it is\nARG a b=1 c=');
  t.deepEqual(arg.kind === 'arg' && arg.args.map(({ name, value, description }) => [name, value, description]), [
    ['a', undefined, undefined],
    ['b', '1', 'what it is'],
    ['c', '', undefined],
  ]);
});

test('heredocs of COPY are files', (t) => {
  const copy = parse("COPY <<a x <<-'b' /d\n$1\na\n\t2\n\tb\n");
  t.like(copy, {
    contents: [
      { name: 'a', data: '$1\n', expand: true },
      { name: 'b', data: '2\n', expand: false },
    ],
  });
  t.deepEqual(copy.kind === 'copy' && copy.sources.map((token) => token.value), ['x']);
});

const MOUNTS: readonly (readonly [text: string, mount: object | RegExp])[] = [
  ['target=/a', { type: 'bind', target: '/a', readonly: true, source: '' }],
  ['type=bind,src=s,dst=/a,from=f,rw', { source: 's', from: 'f', readonly: false }],
  ['type=bind,target=/a,readonly=false', { readonly: false }],
  ['type=bind,target=/a,rw=0', { readonly: true }],
  ['TYPE=Cache,Target=/a', { type: 'cache', readonly: false }],
  [
    'type=cache,target=/a,id=i,sharing=LOCKED,mode=0700,uid=5,gid=6,ro',
    { id: 'i', sharing: 'locked', mode: 0o700, uid: 5, gid: 6, readonly: true },
  ],
  ['type=tmpfs,target=/a,size=1.5g', { type: 'tmpfs', sizeBytes: 1.5 * 2 ** 30 }],
  ['type=secret,id=s,required', { type: 'secret', id: 's', required: true }],
  ['type=secret,id=s,env=TOKEN,mode=0400', { env: 'TOKEN', mode: 0o400 }],
  ['type=ssh,required=1', { type: 'ssh', required: true }],
  ['"target=/a,b",type=bind', { target: '/a,b' }],
  ['type=$T,target=/$D', { type: 'tmpfs', target: '/x' }],
  ['type=bnd,target=/a', /unsupported type "bnd"/],
  ['type=cache,sharing=mine,target=/a', /unsupported sharing/],
  ['traget=/a', /unexpected key "traget"/],
  ['target', /key=value pair/],
  ['target=/a,ro=maybe', /expected true or false/],
  ['target=/a,mode=0700', /mode is not for mounts of type bind/],
  ['type=tmpfs,target=/a,uid=1', /uid is not for mounts of type tmpfs/],
  ['target=/a,size=1', /size is not for/],
  ['type=tmpfs,target=/a,size=big', /not a size/],
  ['type=cache,target=/a,mode=8', /number in base 8/],
  ['type=cache,target=/a,uid=-1', /number in base 10/],
  ['type=bind,target=/a,required', /required is not for/],
  ['type=bind,target=/a,sharing=locked', /sharing is not for/],
  ['type=secret', /needs an id/],
  ['type=secret,id=a,source=b', /both a source and an id/],
  ['type=secret,id=a,from=b', /no from/],
  ['a"b', /badly quoted/],
];

for (const [text, expected] of MOUNTS)
  test(`mount ${text}`, (t) => {
    const range = { start: { line: 1, column: 0 }, end: { line: 1, column: 1 } };
    const read = () => parseMount({ value: text, range }, (value) => value.replace('$T', 'tmpfs').replace('$D', 'x'));
    if (expected instanceof RegExp) t.throws(read, { instanceOf: DockerfileError, message: expected });
    else t.like(read(), expected);
  });

test('groups instructions into stages', (t) => {
  const { stages, globalArgs } = parseStages(parseDockerfile('ARG a\nARG b=1\nFROM x\nARG c\nRUN y\nFROM z AS s').ast);
  t.deepEqual(
    globalArgs.map((instruction) => instruction.args[0]?.name),
    ['a', 'b'],
  );
  t.deepEqual(
    stages.map((stage) => stage.instructions.map(({ kind }) => kind)),
    [['arg', 'run'], []],
  );
  t.throws(() => parseStages(parseDockerfile('RUN x\nFROM y').ast), { message: /RUN before the first FROM/ });
});

test('durations are those of Go', (t) => {
  const good: Readonly<Record<string, number>> = {
    '0': 0,
    '1s': 1e9,
    '1h1m1s': 3661e9,
    '1.5s': 1.5e9,
    '.5m': 30e9,
    '100ms': 1e8,
    '1s500ms': 1.5e9,
    '5us': 5e3,
    '5µs': 5e3,
    '7ns': 7,
    '-2s': -2e9,
    '+2s': 2e9,
  };
  for (const [text, expected] of Object.entries(good)) t.is(parseDuration(text), expected, text);
  for (const text of ['', '5', 's', '1x', '1 s']) t.is(parseDuration(text), undefined, text);
  t.deepEqual([0, 1e9, 90e9, 3600e9, 1.5e9, 5e8, 1500, 3].map(formatDuration), [
    '0s',
    '1s',
    '1m30s',
    '1h0m0s',
    '1.5s',
    '500ms',
    '1.5µs',
    '3ns',
  ]);
});

test('sizes are those of docker, lists those of CSV', (t) => {
  t.deepEqual(['1', '1k', '1KB', '1kib', '2 m', '1.5g', 'x', '-1', '1e3', ''].map(parseBytes), [
    1,
    1024,
    1024,
    1024,
    2 * 2 ** 20,
    1.5 * 2 ** 30,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  t.deepEqual(splitCsv('a,"b ""c"",d",,e'), ['a', 'b "c",d', '', 'e']);
  t.deepEqual(splitCsv('a,'), ['a', '']);
  for (const bad of ['', 'a"b', '"a', '"a"b']) t.is(splitCsv(bad), undefined, bad);
});
