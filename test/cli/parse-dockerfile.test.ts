import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, type Tsbuild } from '../support/tsbuild.ts';

const { after, before } = test;
let tsbuild: Tsbuild;
let folder: string;
before(() => {
  tsbuild = openTsbuild();
  folder = makeTempDir('parse');
});
after.always(() => {
  tsbuild.stop();
  removeTree(folder);
});

const GOOD = `# syntax=docker/dockerfile:1
from alpine AS b
RUN --network=none make \\
  # a comment
  all
COPY <<EOF <<-'X' /d
hi $a
EOF
\tfoo
\tX
ENV a=1 b="x y"
ONBUILD CMD ["a", "b"]
`;

test('prints the instructions with their places', async (t) => {
  const { code, stdout, stderr } = await tsbuild.run(['parse', '--json', '-'], { input: GOOD });
  t.is(code, 0, stderr);
  t.is(stderr, '');
  const [from, run, copy, env, onbuild] = JSON.parse(stdout);
  t.deepEqual(from, {
    keyword: 'FROM',
    flags: [],
    args: ['alpine', 'AS', 'b'],
    json: false,
    heredocs: [],
    original: 'from alpine AS b',
    range: { start: { line: 2, column: 0 }, end: { line: 2, column: 16 } },
  });
  t.deepEqual([run.flags, run.args], [['--network=none'], ['make   all']]);
  t.deepEqual(run.range, { start: { line: 3, column: 0 }, end: { line: 5, column: 5 } });
  t.deepEqual(copy.heredocs, [
    { name: 'EOF', content: 'hi $a\n', expand: true, chomp: false, fileDescriptor: 0 },
    { name: 'X', content: '\tfoo\n', expand: false, chomp: true, fileDescriptor: 0 },
  ]);
  t.deepEqual(copy.range.end, { line: 10, column: 2 });
  t.deepEqual(env.args, ['a', '1', '=', 'b', '"x y"', '=']);
  t.deepEqual([onbuild.args, onbuild.json], [['CMD', 'a', 'b'], false]);
  t.deepEqual([onbuild.trigger.keyword, onbuild.trigger.args, onbuild.trigger.json], ['CMD', ['a', 'b'], true]);
});

test('lists them for people', async (t) => {
  const file = join(folder, 'Dockerfile');
  writeFileSync(file, GOOD);
  const { stdout } = await tsbuild.run(['parse', file]);
  t.is(
    stdout,
    [
      '2        FROM        "alpine" "AS" "b"',
      '3-5      RUN         --network=none "make   all"',
      '6-10     COPY        "<<EOF" "<<-\'X\'" "/d"',
      '         <<EOF: 1 line, variables are replaced',
      '         <<-X: 1 line, variables stay',
      '11       ENV         "a" "1" "=" "b" "\\"x y\\"" "="',
      '12       ONBUILD     CMD ["a", "b"]',
      '',
    ].join('\n'),
  );
});

test('tells all that BuildKit refuses, each with its frame, and nothing else', async (t) => {
  const { code, stdout, stderr } = await tsbuild.run(['parse', '--json', '-'], {
    input: 'FROM x\nFORM y\nCOPY --form=a b c\nENV a\nRUN --mount=type=cahce,target=/x y\n',
  });
  t.is(code, 1);
  t.is(stdout, '');
  for (const [place, message] of [
    ['2:1', 'unknown instruction "FORM"\nhint: did you mean FROM?'],
    ['3:6', 'unknown flag --form of COPY\nhint: did you mean --from?'],
    ['4:5', 'ENV must have two arguments, a name and a value'],
    ['5:5', 'mount: unsupported type "cahce"\nhint: did you mean cache?'],
  ]) {
    t.true(stderr.includes(`<stdin>:${place}\n`), stderr);
    t.true(stderr.includes(`ERROR: ${message}\n`), stderr);
  }
  t.is(stderr.match(/^ERROR:/gm)?.length, 4);
});

test('a warning is told and is no failure', async (t) => {
  const { code, stdout, stderr } = await tsbuild.run(['parse', '--json', '-'], { input: 'FROM x\nRUN a \\\n\n  b\n' });
  t.is(code, 0);
  t.is(JSON.parse(stdout).length, 2);
  t.regex(stderr, /^WARNING: NoEmptyContinuation: .* \(<stdin>:3\)\n$/);
});

test('files that cannot be read', async (t) => {
  for (const [file, message] of [
    [join(folder, 'none'), 'it does not exist'],
    [folder, 'it is a directory'],
  ] as const) {
    const { code, stderr } = await tsbuild.run(['parse', file]);
    t.is(code, 1);
    t.regex(stderr, new RegExp(`^ERROR: cannot read the Dockerfile .*: ${message}\nhint: `));
  }
  t.is((await tsbuild.run(['parse'])).code, 125);
});

test('a build says under --debug which frontend its file asks for', async (t) => {
  const context = join(folder, 'Dockerfile.v');
  writeFileSync(context, '# syntax=docker/dockerfile:1.7-labs\nFROM scratch\nLABEL a=b\n');
  const build = async (...args: string[]) => (await tsbuild.run([...args, '-f', context, folder])).stderr;
  const note = /^DEBUG: the syntax directive asks for docker\/dockerfile:1\.7-labs: the built-in frontend/m;
  t.regex(await build('--debug', 'build'), note);
  t.notRegex(await build('build'), /frontend/);
});

test('a file that is no Dockerfile is not told line by line to its end', async (t) => {
  const { code, stderr } = await tsbuild.run(['parse', '-'], { input: 'word\n'.repeat(1000) });
  t.is(code, 1);
  t.is(stderr.match(/ERROR: unknown instruction/g)?.length, 51);
  t.regex(stderr, /\n\u2026 and 949 more\n/);
});
