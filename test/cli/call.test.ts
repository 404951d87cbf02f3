import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild } from '../support/tsbuild.ts';

const tsbuild = openTsbuild();
const folder = makeTempDir('call');
test.after.always(() => {
  tsbuild.stop();
  removeTree(folder);
});

let made = 0;

function makeContext(dockerfile: string): string {
  const context = join(folder, String(made++));
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  return context;
}

const FOUND = 'FROM scratch as a\nCMD run it\n';

test('--check exits 1 where something is found, and tells it on standard output', async (t) => {
  const clean = await tsbuild.run(['build', '--check', makeContext('FROM scratch\n')]);
  t.is(clean.code, 0, clean.stderr);
  t.is(clean.stdout, 'Check complete, no warnings found.\n');
  const context = makeContext(FOUND);
  const { code, stdout, stderr } = await tsbuild.run(['build', '--check', context]);
  t.is(code, 1);
  t.regex(stdout, /^Check complete, 2 warnings have been found!\n\nWARNING: FromAsCasing - https:/);
  t.regex(stdout, /Dockerfile:1:14\n> 1 \| FROM scratch as a\n {4}\| {14}\^\^\n {2}2 \| CMD run it\n/);
  t.notRegex(stderr, /ERROR/);
  t.is((await tsbuild.run(['build', '--call=check,ignorestatus=true', context])).code, 0);
});

test('the JSON has the members of buildx', async (t) => {
  const { code, stdout } = await tsbuild.run(['build', '--call', 'lint,format=json', makeContext(FOUND)]);
  t.is(code, 1);
  const report = JSON.parse(stdout);
  t.deepEqual(Object.keys(report), ['warnings', 'sources']);
  t.like(report.warnings[1], {
    ruleName: 'JSONArgsRecommended',
    url: 'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/',
    location: {
      ranges: [{ start: { line: 2 }, end: { line: 2 } }],
      token: { start: { line: 2, character: 0 }, end: { line: 2, character: 3 } },
    },
  });
  t.is(Buffer.from(report.sources[0].data, 'base64').toString(), FOUND);
});

test('a file that cannot be built: what was found before, and the error', async (t) => {
  const context = makeContext('FROM scratch\nMAINTAINER jo\nBAD x\n');
  const text = await tsbuild.run(['build', '--check', context]);
  t.is(text.code, 1);
  t.regex(text.stdout, /MaintainerDeprecated/);
  t.regex(text.stderr, /Dockerfile:3:1\n[\s\S]*> 3 \| BAD x\n[\s\S]*ERROR: unknown instruction "BAD"/);
  const json = await tsbuild.run(['build', '--call=check,format=json', context]);
  t.like(JSON.parse(json.stdout).buildError, { location: { ranges: [{ start: { line: 3 }, end: { line: 3 } }] } });
});

test('outline and targets need no image and leave no store behind', async (t) => {
  const own = openTsbuild(join(folder, 'no-store'));
  const context = makeContext(`# V the version
ARG V=1
# build makes it
FROM registry.invalid/none:$V AS build
ARG flag=on
RUN --mount=type=secret,id=token,required=true --mount=type=ssh --mount=type=cache,target=/c x
FROM scratch
COPY --from=build /x /
`);
  const outline = await own.run(['build', '--call=outline', context]);
  t.is(outline.code, 0, outline.stderr);
  t.is(
    outline.stdout,
    `BUILD ARG   VALUE   DESCRIPTION
V           1       the version
flag        on

SECRET   REQUIRED
token    true

SSH       REQUIRED
default

CACHE
/c

`,
  );
  const targets = await own.run(['build', '--call=targets', context]);
  t.is(targets.stdout, 'TARGET    DESCRIPTION\nbuild     makes it\n(default)\n');
  const { targets: list } = JSON.parse((await own.run(['build', '--call=targets,format=json', context])).stdout);
  t.like(list[0], { name: 'build', description: 'makes it', base: 'registry.invalid/none:$V' });
  t.like(list[1], { default: true, base: 'scratch' });
  t.throws(() => mkdirSync(join(folder, 'no-store', 'meta')), { code: 'ENOENT' });
});

test('a --call that is none', async (t) => {
  const context = makeContext(FOUND);
  for (const [call, message] of [
    ['chek', /did you mean check\?/],
    ['check,format=xml', /no format "xml"/],
    ['targets,foo=1', /it has no "foo"/],
    [',format=json,foo=1', /it has no "foo"/],
  ] as const) {
    const { code, stderr } = await tsbuild.run(['build', '--call', call, context]);
    t.is(code, 125, call);
    t.regex(stderr, message);
  }
});

test('help lists the rules', async (t) => {
  const { stdout } = await tsbuild.run(['help', 'checks']);
  t.regex(stdout, /StageNameCasing {2,}\S/);
  t.regex(stdout, /UnpinnedBaseImage .*/);
});

test('--metadata-file has the result too, by the keys of buildx', async (t) => {
  const context = makeContext(FOUND);
  const file = join(context, 'metadata.json');
  const call = async (...flags: string[]) => {
    const { stdout } = await tsbuild.run(['build', ...flags, '--metadata-file', file, context]);
    return { stdout, metadata: JSON.parse(readFileSync(file, 'utf8')) };
  };
  const check = await call('--check');
  t.deepEqual(Object.keys(check.metadata), ['result.json', 'result.statuscode', 'result.txt', 'version']);
  t.is(check.metadata['result.statuscode'], '1');
  t.is(check.metadata['result.json'].warnings.length, 2);
  t.is(check.metadata['result.txt'], check.stdout);
  const outline = await call('--call=outline,format=json');
  t.deepEqual(Object.keys(outline.metadata), ['result.json', 'result.txt', 'version']);
  t.deepEqual(outline.metadata['result.json'], JSON.parse(outline.stdout));
  t.regex(outline.metadata['result.txt'], /^TARGET: a\n/);
  t.is((await call('--call=targets')).metadata['result.json'].targets[0].name, 'a');
});

test('of --check and --call the later counts', async (t) => {
  const context = makeContext('FROM scratch AS a\n');
  const call = async (...flags: string[]) => (await tsbuild.run(['build', ...flags, context])).stdout;
  t.regex(await call('--check', '--call=outline'), /^TARGET: a/);
  t.regex(await call('--call=outline', '--check'), /^Check complete/);
  t.regex(await call('--call=build', '--check'), /^Check complete/);
  t.regex(await call('--call=outline', '--check=false'), /^TARGET: a/);
});
