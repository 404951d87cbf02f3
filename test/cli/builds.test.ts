// `tsbuild builds …`, `--explain-cache` and `--fail-on-miss` as they are typed, with what they print.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseBuildFilter } from '../../src/cli/flags/build-filter.ts';
import { showDuration } from '../../src/cli/format/build-record.ts';
import { nameBuild } from '../../src/history/names.ts';
import { parseSpanMs } from '../../src/quantities.ts';
import { FROM_BUSYBOX, makeSetting as makeE2eSetting, SETTING_NEEDS } from '../e2e/setting.ts';
import { makeRecord } from '../history/records.ts';
import type { ExecResult } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild } from '../support/tsbuild.ts';

const DOCKERFILE =
  'FROM scratch AS base\nARG VERSION=1\nCOPY src /src\nFROM scratch\nARG VERSION=1\nCOPY --from=base /src/a /out-$VERSION\n';

function makeSetting(t: ExecutionContext) {
  const work = makeTempDir('builds');
  t.teardown(() => removeTree(work));
  const tsbuild = openTsbuild(join(work, 'store'));
  const context = join(work, 'app');
  mkdirSync(context);
  writeFiles(context, { Dockerfile: DOCKERFILE, 'src/a': 'a', 'src/b': 'b' });
  const run = (...args: string[]): Promise<ExecResult> => tsbuild.run(args, { cwd: work });
  return { work, context, tsbuild, run };
}

/** Ids, times and places are those of each run. */
function normalise(text: string, work: string): string {
  return text
    .replaceAll(work, '/work')
    .replaceAll(/\d{8}T\d{6}-[0-9a-f]{8}/g, '<id>')
    .replaceAll(/sha256:[0-9a-f]{64}/g, '<digest>')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>')
    .replaceAll(/\b\d+\.\ds\b/g, '<n>s')
    .replaceAll(/(?:Less than a second|\d+ seconds?) ago/g, '<ago>');
}

testNeeding(['root'], 'builds ls: docker’s columns; also as buildx history ls', async (t) => {
  const { run, work } = makeSetting(t);
  t.is((await run('builds', 'ls')).stdout, 'BUILD ID   NAME      STATUS    CREATED AT   DURATION\n');
  await run('build', '-q', 'app');
  await run('build', '-q', '--target', 'base', 'app');
  await run('build', '-q', '--target', 'nothing', 'app');
  const { stdout } = await run('builds', 'ls');
  t.is(
    normalise(stdout, work).replaceAll(/ {2,}/g, '  '),
    [
      'BUILD ID  NAME  STATUS  CREATED AT  DURATION',
      '<id>  app (nothing)  Error  <ago>  <n>s',
      '<id>  app (base)  Completed  <ago>  <n>s',
      '<id>  app  Completed  <ago>  <n>s',
      '',
    ].join('\n'),
  );
  t.is((await run('buildx', 'history', 'ls')).stdout.split('\n').length, 5);
  const [first = ''] = (await run('builds', 'ls', '--format', 'json', '--filter', 'status=completed')).stdout.split(
    '\n',
  );
  t.deepEqual(Object.keys(JSON.parse(first)), [
    'cached_steps',
    'completed_at',
    'completed_steps',
    'created_at',
    'name',
    'ref',
    'status',
    'total_steps',
  ]);
  t.is((await run('builds', 'ls', '-q', '--filter', 'status=error')).stdout.trim().split('\n').length, 1);
  t.is((await run('builds', 'ls', '--format', '{{.Name}}', '--filter', 'duration>1h')).stdout, '');
  t.is((await run('builds', 'ls', '--filter', 'bad=1')).code, 125);
  t.is((await run('builds', 'ls', '--local', '-q')).stdout.trim().split('\n').length, 3);
});

testNeeding(['root'], 'builds inspect: the sections of buildx, options, steps', async (t) => {
  const { run, work } = makeSetting(t);
  await run('build', '-q', '-t', 'app:1', '--build-arg', 'VERSION=2', '--label', 'x=y', '--no-cache', 'app');
  const { stdout } = await run('builds', 'inspect');
  t.is(
    normalise(stdout, work).replace(/Platform:\t\S+/, 'Platform:\t<platform>'),
    [
      'Name:\t\tapp',
      'Ref:\t\t<id>',
      'Context:\t/work/app',
      'Dockerfile:\tapp/Dockerfile',
      'Platform:\t<platform>',
      'Tags:\t\tapp:1',
      '',
      'Started:\t<time>',
      'Duration:\t<n>s',
      'Status:\t\tCompleted',
      'Build Steps:\t6/6 (0% cached)',
      'Image ID:\t<digest>',
      'Digest:\t\t<digest>',
      'Names:\t\tdocker.io/library/app:1',
      'Log:\t\t/work/store/logs/<id>.log',
      '',
      'OPTION\t\tVALUE',
      'no-cache\ttrue',
      '',
      'BUILD ARG\tVALUE',
      'VERSION\t\t2',
      '',
      'LABEL\tVALUE',
      'x\ty',
      '',
      'STEP\t\t\t\t\t\t\tSTATUS\tDURATION',
      '[internal] load build definition from Dockerfile\tdone\t<n>s',
      '[internal] load .dockerignore\t\t\t\tdone\t<n>s',
      '[internal] load build context\t\t\t\tdone\t<n>s',
      '[base 1/1] COPY src /src\t\t\t\tdone\t<n>s',
      '[stage-1 1/1] COPY --from=base /src/a /out-2\t\tdone\t<n>s',
      'exporting to image\t\t\t\t\tdone\t<n>s',
      '',
      'Print build logs: tsbuild builds logs <id>',
      'Why steps ran: tsbuild builds inspect --explain <id>',
      '',
    ].join('\n'),
  );
  const json = JSON.parse((await run('builds', 'inspect', '--format', 'json', '^0')).stdout);
  t.like(json, { Name: 'app', Status: 'completed', NumCachedSteps: 0, BuildArgs: [{ Name: 'VERSION', Value: '2' }] });
  t.is((await run('builds', 'inspect', '--format', '{{.Name}} {{.Status}}')).stdout, 'app completed\n');
  t.regex(
    (await run('builds', 'inspect', 'nothing')).stderr,
    /^ERROR: there is no record of a build nothing here\nhint: /,
  );
});

testNeeding(
  SETTING_NEEDS,
  'builds inspect: where a build failed and what its step said, though the Dockerfile is gone',
  async (t) => {
    const setting = await makeE2eSetting(t);
    const { tsbuild } = setting;
    const context = setting.context({
      Dockerfile: `${FROM_BUSYBOX}ARG API_TOKEN\nRUN echo one\nRUN echo "with $API_TOKEN" && \\\n  exit 7\nRUN echo never\n`,
    });
    const build = () => setting.build(context, 'app', '--build-arg=API_TOKEN=hunter22');
    t.is((await build()).code, 1);
    t.is((await build()).code, 1);
    removeTree(context);
    const { stdout } = await tsbuild.run(['builds', 'inspect']);
    // Three of the builder's own, FROM, and of three RUNs one that was cached, one that failed, one that was still to come.
    t.regex(stdout, /^Build Steps:\t6\/7 \(14% cached\)$/m);
    const file = join(context, 'Dockerfile');
    const frame = [
      `${file}:5:1`,
      '  3 | ARG API_TOKEN',
      '  4 | RUN echo one',
      '> 5 | RUN echo "with $API_TOKEN" && \\',
      `    | ${'^'.repeat(31)}`,
      '> 6 |   exit 7',
      '    |   ^^^^^^',
      '  7 | RUN echo never',
      '',
    ].join('\n');
    t.true(stdout.includes(`\n${frame}\nLogs:\n> => [3/4] RUN echo "with ***" && exit 7:\n> with ***\n\n`), stdout);
    const json = JSON.parse((await tsbuild.run(['builds', 'inspect', '--format', 'json'])).stdout);
    t.like(json, { NumCompletedSteps: 6, NumTotalSteps: 7, NumCachedSteps: 1 });
    t.like(json.Error, { Code: 'BUILD_RUN_FAILED', Logs: ['with ***'], File: file, Line: 5, Column: 1 });
    t.is(Buffer.from(json.Error.Sources, 'base64').toString(), frame);
    t.is((await tsbuild.run(['builds', 'inspect', '--format', '{{.Error.Sources}}'])).stdout, `${frame}\n`);
    t.is((await tsbuild.run(['builds', 'inspect', '--format', '{{if .Target}}x{{end}}{{.Error.Line}}'])).stdout, '5\n');
    t.notRegex(JSON.stringify(readTexts(join(tsbuild.root, 'builds'))), /hunter22/);
  },
);

testNeeding(
  SETTING_NEEDS,
  'no record has a secret’s value of the Dockerfile itself, however often it fails',
  async (t) => {
    const setting = await makeE2eSetting(t);
    const context = setting.context({
      Dockerfile: `${FROM_BUSYBOX}ARG API_TOKEN=hunter22\nENV DB_PASSWORD=tiger5555\nRUN echo $API_TOKEN $DB_PASSWORD; exit 7\n`,
    });
    // The second finds the plan of the first.
    for (let n = 0; n < 2; n++) {
      t.is((await setting.build(context, 'app')).code, 1);
      t.regex(
        (await setting.tsbuild.run(['builds', 'inspect'])).stdout,
        /ARG API_TOKEN=\*\*\*\n[\s\S]*\n> \*\*\* \*\*\*\n/,
      );
    }
    t.notRegex(JSON.stringify(readTexts(join(setting.tsbuild.root, 'builds'))), /hunter22|tiger5555/);
  },
);

testNeeding(['root'], 'builds attachment and builds trace: what is kept of a build, for other programs', async (t) => {
  const { run, work } = makeSetting(t);
  await run('build', '-q', 'app');
  t.is((await run('builds', 'attachment', '--type', 'dockerfile')).stdout, DOCKERFILE);
  const steps = JSON.parse((await run('buildx', 'history', 'inspect', 'attachment', '--type=steps', '^0')).stdout);
  t.regex((await run('builds', 'inspect', 'attachment', '--type', 'log')).stdout, /load build definition/);
  t.like(JSON.parse((await run('builds', 'attachment', '--type', 'record')).stdout), { name: 'app', format: 1 });
  t.like(JSON.parse((await run('builds', 'attachment', '--type', 'explanation')).stdout), { executed: 2 });
  for (const [args, said] of [
    [[], /--type is needed/],
    [['--type', 'provenance'], /no attestations are made/],
    [['--type', 'x'], /types are dockerfile,/],
  ] as const) {
    const refused = await run('builds', 'attachment', ...args);
    t.is(refused.code, 125);
    t.regex(refused.stderr, said);
  }
  const { stdout } = await run('builds', 'trace');
  await run('builds', 'trace', '-o', 'trace.json', '^0');
  t.is(readFileSync(join(work, 'trace.json'), 'utf8'), stdout);
  const [{ scopeSpans }] = JSON.parse(stdout).resourceSpans;
  const [root, ...spans] = scopeSpans[0].spans as readonly Span[];
  t.is(spans.length, steps.length);
  t.true(spans.every(({ traceId, parentSpanId }) => traceId === root?.traceId && parentSpanId === root?.spanId));
  t.true(spans.every((span) => BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano)));
  const [copy, fromBase] = ['[base 1/1] COPY src /src', '[stage-1 1/1] COPY --from=base /src/a /out-1'].map((name) =>
    spans.find((span) => span.name === name),
  );
  t.deepEqual(fromBase?.links, [{ traceId: root?.traceId ?? '', spanId: copy?.spanId ?? '' }]);
  for (const word of ['open', 'import'])
    t.regex(
      (await run('buildx', 'history', word)).stderr,
      /^ERROR: unknown command: tsbuild builds .*\nhint: .*tsbuild builds/,
    );
});

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links: readonly object[];
}

function readTexts(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

testNeeding(['root'], '--explain-cache: text on stderr, json on stdout, and afterwards', async (t) => {
  const { run, context, work } = makeSetting(t);
  const first = await run('build', '-q', '--explain-cache', 'app');
  t.regex(first.stderr, /^cache: 2 steps ran, 0 came from the cache; there is no earlier build here to compare with\n/);
  writeFileSync(join(context, 'src/a'), 'A');
  rmSync(join(context, 'src/b'));
  const second = await run('build', '-q', '--explain-cache', 'app');
  const text = [
    'cache: 2 steps ran, 0 came from the cache; compared with build <id> (<ago>)',
    '',
    '[base 1/1] COPY src /src (app/Dockerfile:3)',
    '    src/a changed (sha256:ca978112ca1b -> sha256:559aead08264)',
    '    src/b removed',
    '',
    '[stage-1 1/1] COPY --from=base /src/a /out-1 (app/Dockerfile:6)',
    '    because [base 1/1] COPY src /src ran anew and gave another result',
    '    src/a in stage "base" changed (sha256:ca978112ca1b -> sha256:559aead08264)',
    '',
  ].join('\n');
  t.is(normalise(second.stderr, work), text);
  const after = await run('builds', 'inspect', '--explain');
  t.is(normalise(after.stdout, work), text);

  const third = await run('build', '--explain-cache=json', '--build-arg', 'VERSION=2', 'app');
  const explanation = JSON.parse(third.stdout);
  t.like(explanation, { executed: 1, cached: 1 });
  const [step] = explanation.steps;
  t.like(step, {
    name: '[stage-1 1/1] COPY --from=base /src/a /out-2',
    stage: 'stage-1',
    instruction: 'COPY --from=base /src/a /out-$VERSION',
    location: { file: 'app/Dockerfile', line: 6, endLine: 6 },
    ran: true,
    reasons: [{ kind: 'setting', name: 'destination', old: '/out-1', new: '/out-2' }],
  });
  t.is(step.because[0].digest, step.digest);
  t.deepEqual(JSON.parse((await run('builds', 'inspect', '--explain', '--format', 'json')).stdout), explanation);
  t.is((await run('build', '-q', '--explain-cache=json', 'app')).code, 125);
  t.is((await run('build', '--explain-cache=xml', 'app')).code, 125);
  const failed = await run('build', '-q', '--explain-cache', '--target', 'nothing', 'app');
  t.regex(failed.stderr, /^cache: the build ended before there was anything to explain\n/);
});

testNeeding(['root'], '--fail-on-miss: a status of its own, the reason, and the image', async (t) => {
  const { run, context, tsbuild, work } = makeSetting(t);
  await run('build', '-q', 'app');
  t.is((await run('build', '-q', '--fail-on-miss', 'app')).code, 0);
  writeFileSync(join(context, 'src/b'), 'B');
  const missed = await run('build', '-q', '-t', 'app:2', '--fail-on-miss=base', 'app');
  t.is(missed.code, 3);
  t.regex(missed.stderr, /src\/b changed.*ERROR: not from the cache: \[base 1\/1\] COPY src \/src/s);
  t.is((await run('images', '-q', 'app:2')).stdout.trim().length, 12);
  t.regex(missed.stdout, /^sha256:[0-9a-f]{64}\n$/);
  writeFileSync(join(context, 'src/b'), 'more');
  const files = ['--iidfile', 'app.id', '--metadata-file', 'app.json'];
  t.is((await run('build', ...files, '--fail-on-miss', 'app')).code, 3);
  const iid = readFileSync(join(work, 'app.id'), 'utf8');
  t.is(JSON.parse(readFileSync(join(work, 'app.json'), 'utf8'))['containerimage.config.digest'], iid);
  writeFileSync(join(context, 'src/a'), 'again');
  t.is((await run('build', '-q', '--fail-on-miss=base,1', 'app')).code, 3);
  t.is((await run('build', '-q', '--fail-on-miss=bas', 'app')).code, 1);
  t.true(existsSync(tsbuild.root));
});

testNeeding(['root'], '--explain-cache in a store that is new: what came from the cache is no cause', async (t) => {
  const { run, context } = makeSetting(t);
  await run('build', '-q', '--cache-to', 'type=local,dest=steps', 'app');
  writeFileSync(join(context, 'src/b'), 'B');
  const from = ['--cache-from', 'type=local,src=steps'];
  const again = await run('--root', 'other', 'build', '-q', ...from, '--explain-cache', 'app');
  t.is(again.code, 0);
  t.regex(again.stderr, /never built before in this store/);
  t.notRegex(again.stderr, /from the cache\)/);
});

test('a build is called after its context, or after the directory of a Dockerfile outside of it', (t) => {
  const name = (path: string): string => nameBuild({ context: '/work/app' }, '/work/app', 'Dockerfile', path).name;
  t.is(name('/work/app/Dockerfile'), 'app');
  t.is(name('/work/app/ci/Dockerfile.test'), 'app/ci/Dockerfile.test');
  t.is(name('/work/deploy/Dockerfile.test'), 'deploy/Dockerfile.test');
});

testNeeding(['root'], 'builds logs, export and rm', async (t) => {
  const { run, work } = makeSetting(t);
  await run('build', '-q', 'app');
  await run('build', '-q', 'app');
  const id = (await run('builds', 'ls', '-q')).stdout.split('\n')[0] ?? '';
  const log = await run('builds', 'logs', id.slice(-8));
  t.is(log.stdout, readFileSync(join(work, 'store/logs', `${id}.log`), 'utf8'));
  t.is((await run('builds', 'export', '-o', 'x.dockerbuild', '--all')).code, 0);
  t.true(statSync(join(work, 'x.dockerbuild')).size > 10_000);
  t.is((await run('builds', 'export', '-o', 'absent/x')).code, 1);
  t.is((await run('builds', 'rm')).code, 125);
  t.is((await run('builds', 'rm', '^1')).code, 0);
  t.is((await run('builds', 'ls', '-q')).stdout.trim(), id);
  t.is((await run('builds', 'rm', 'nothing', '^0')).code, 1);
  t.is((await run('builds', 'rm', '--all')).code, 0);
  t.is((await run('builds', 'ls', '-q')).stdout, '');
  t.regex((await run('builds', 'inspect')).stderr, /no build has been made in this store/);
});

test('durations: as buildx shows them, and as Go reads them', (t) => {
  t.is(showDuration(1234), '1.2s');
  t.is(showDuration(63_000), '1m 3s');
  t.is(showDuration(3_723_000), '1h 2m 3s');
  t.is(parseSpanMs('1h30m'), 5_400_000);
  t.is(parseSpanMs('1.5s'), 1500);
  for (const text of ['', '1', 'h', '1d', '-1s', '1h x']) t.is(parseSpanMs(text), undefined, text);
});

test('filters of builds', (t) => {
  const record = makeRecord({ id: '20260102T030405-00a00001', createdMs: Date.parse('2026-01-02T03:04:05Z') });
  t.like(
    t.throws(() => parseBuildFilter('status=eror')),
    { code: 'FLAG_INVALID', hint: 'did you mean error?' },
  );
  const passes = (text: string): boolean => parseBuildFilter(text)(record);
  for (const text of [
    'status=completed',
    'status!=error',
    'ref=20260102T030405-00a00001',
    'startedAt<2027-01-01',
    'startedAt>=2026-01-02T03:04:05Z',
  ])
    t.true(passes(text), text);
  for (const text of ['status=error', 'duration>1h', 'startedAt>1h', 'completedAt<2026-01-01'])
    t.false(passes(text), text);
  const { completedMs: _, ...killed } = { ...record, status: 'killed' as const };
  t.false(parseBuildFilter('duration>1s')(killed), 'when it was killed is not known');
  for (const text of ['status', 'status>error', 'duration=long', 'startedAt=today'])
    t.throws(() => passes(text), { code: 'FLAG_INVALID' }, text);
  t.throws(() => passes('stauts=error'), { code: 'USAGE' });
});

testNeeding(['root'], 'builds export: what cannot be written leaves no file', async (t) => {
  const { run, work } = makeSetting(t);
  t.is((await run('builds', 'export', '-o', 'some.tar', 'none')).code, 1);
  t.deepEqual(
    readdirSync(work).filter((name) => name.startsWith('some.tar')),
    [],
  );
  // A fault of the store is told as that, and not as one of the file.
  await run('build', '-q', 'app');
  const id = (await run('builds', 'ls', '-q')).stdout.trim();
  rmSync(join(work, 'store/logs', `${id}.log`));
  mkdirSync(join(work, 'store/logs', `${id}.log`));
  t.regex(
    (await run('builds', 'export', '-o', 'some.tar')).stderr,
    /^ERROR: the log of build .*: it is no file\nhint: /,
  );
  t.deepEqual(
    readdirSync(work).filter((name) => name.startsWith('some.tar')),
    [],
  );
});

testNeeding(['root'], 'what is printed of names moves no cursor', async (t) => {
  const { run, work, tsbuild } = makeSetting(t);
  const evil = '\x1b]0;title\x07\x1b[31m';
  writeFiles(join(work, 'app'), { [`a${evil}`]: 'a', D2: `FROM scratch\nCOPY ["a${evil}", "/b${evil}"]\n` });
  const built = await run('build', '--progress=plain', '-f', 'app/D2', '--target=0', '-t', 'app:1', 'app');
  t.is(built.code, 0, built.stderr);
  const [id = ''] = readdirSync(join(tsbuild.root, 'builds')).filter((name) => /^\d{8}T/.test(name));
  const path = join(tsbuild.root, 'builds', id, 'record.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), name: evil, tags: [evil] }));
  writeFileSync(join(tsbuild.root, evil), '');
  const outputs = [built];
  for (const args of ['builds ls', 'builds inspect', 'builds logs', 'du --verbose', 'history app:1', 'fsck'])
    outputs.push(await run(...args.split(' ')));
  for (const { stdout, stderr } of outputs) t.notRegex(stdout + stderr, /[^\P{Cc}\n\t]/u);
});
