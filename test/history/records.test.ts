// Records of builds: what is in them, of builds that end in each way, and what is made of files that nobody vouches for.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { writeBundle } from '../../src/history/export.ts';
import { createBuildHistory } from '../../src/history/index.ts';
import { readRecord } from '../../src/history/read.ts';
import { createBuildRecorder } from '../../src/history/recorder.ts';
import {
  build,
  explainBuild,
  exportBuilds,
  inspectBuild,
  listBuilds,
  readBuildLog,
  removeBuildRecord,
} from '../../src/index.ts';
import { native } from '../../src/native/index.ts';
import { storePaths } from '../../src/store/paths.ts';
import { BASE_NEEDS, baseLayout } from '../support/bases.ts';
import { exec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { makeRecord } from './records.ts';

interface Setting {
  readonly context: string;
  readonly root: string;
}

function makeSetting(t: ExecutionContext, files: Readonly<Record<string, string>>): Setting {
  const work = makeTempDir('records');
  t.teardown(() => removeTree(work));
  const setting = { context: join(work, 'app'), root: join(work, 'store') };
  mkdirSync(setting.context);
  writeFiles(setting.context, files);
  return setting;
}

test('a build that is killed before its Dockerfile is read is called like the one after it', (t) => {
  const { root, context } = makeSetting(t, {});
  const paths = storePaths(root);
  const nameOf = (dockerfile?: string): string => {
    const id = `20260102T030405-${createHash('sha256')
      .update(dockerfile ?? '')
      .digest('hex')
      .slice(0, 8)}`;
    createBuildRecorder(paths, id, { context, ...(dockerfile === undefined ? {} : { dockerfile }) }, context);
    return readRecord(paths, id)?.name ?? '';
  };
  t.is(nameOf(), 'app');
  t.is(nameOf(join(context, 'ci/test.Dockerfile')), 'app/ci/test.Dockerfile');
  t.is(nameOf(join(context, '../deploy/Dockerfile')), 'deploy');
});

const buildContexts = async () => ({ busybox: `oci-layout://${await baseLayout('busybox')}` });

/** Everything that the records of a store say, as bytes. */
function readAllRecords(root: string): string {
  const entries = readdirSync(join(root, 'builds'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

testNeeding(['root', 'git'], 'a record tells what was asked and what came of it', async (t) => {
  const setting = makeSetting(t, {
    Dockerfile: 'FROM scratch AS one\nARG V\nCOPY a /a\nFROM one AS two\nCOPY a /b\n',
    a: 'a',
  });
  const git = (...args: string[]) =>
    exec('git', ['-c', 'user.name=n', '-c', 'user.email=e@example.org', ...args], { cwd: setting.context });
  await git('init', '-q', '-b', 'trunk');
  await git('add', '.');
  await git('commit', '-q', '-m', 'first');
  const { stdout: revision } = await git('rev-parse', 'HEAD');
  const request = { ...setting, target: 'two', tags: ['app:1'], buildArgs: { V: '1' }, labels: { stage: 'test' } };
  const result = await build(request);
  const { record, steps, logPath, dockerfileText } = await inspectBuild(result.id, setting);
  t.like(record, {
    id: result.id,
    name: 'app (two)',
    status: 'completed',
    context: setting.context,
    target: 'two',
    tags: ['app:1'],
    buildArgs: { V: '1' },
    labels: { stage: 'test' },
    git: { root: setting.context, revision: revision.trim(), branch: 'trunk' },
  });
  t.like(record.counts, { executed: 2, cached: 0 });
  t.is(record.outputs.imageID, result.imageID);
  t.deepEqual(record.outputs.names, result.names);
  t.is(logPath, result.logPath);
  t.true(logPath.endsWith(`/${result.id}.log`));
  t.regex(dockerfileText ?? '', /^FROM scratch AS one/);
  t.true(steps.some(({ name, cached }) => name === '[two 1/1] COPY a /b' && cached === false));
  const { log } = await readBuildLog('', setting);
  t.regex(Buffer.concat(await log.toArray()).toString(), /COPY a \/b/);
});

testNeeding(
  ['root', ...BASE_NEEDS.busybox],
  'a build that fails, one that is canceled, and one that is killed',
  async (t) => {
    const setting = makeSetting(t, { Dockerfile: 'FROM busybox\nRUN echo hello && exit 3\n' });
    const request = { ...setting, buildContexts: await buildContexts() };
    const failed = await t.throwsAsync(build(request), { code: 'BUILD_RUN_FAILED' });
    const { record } = await inspectBuild('^0', setting);
    t.is((failed as unknown as { details: { build: string } }).details.build, record.id);
    t.like(record, { status: 'error', error: { code: 'BUILD_RUN_FAILED', step: '[1/2] RUN echo hello && exit 3' } });

    writeFileSync(join(setting.context, 'Dockerfile'), 'FROM busybox\nRUN echo started; sleep 60\n');
    const abort = new AbortController();
    const canceled = build({
      ...request,
      signal: abort.signal,
      onProgress: ({ logs = [] }) => {
        if (logs.some(({ data }) => Buffer.from(data).includes('started'))) abort.abort();
      },
    });
    await t.throwsAsync(canceled, { any: true });
    t.is((await inspectBuild('', setting)).record.status, 'canceled');

    const child = await startBuild(t, request);
    const [running] = await listBuilds(setting);
    t.is(running?.status, 'running');
    t.is((await inspectBuild('^0', setting)).record.status, 'canceled', 'offsets are of builds that have ended');
    await t.throwsAsync(removeBuildRecord(running?.id ?? '', setting), { code: 'BUILD_RUNNING' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    t.is((await listBuilds(setting))[0]?.status, 'killed');
    await t.throwsAsync(explainBuild('^0', setting), { code: 'BUILD_INCOMPLETE' });
    await removeBuildRecord('^0', setting);
    t.deepEqual(
      (await listBuilds(setting)).map(({ status }) => status),
      ['canceled', 'error'],
    );
    t.false(existsSync(join(setting.root, 'logs', `${running?.id}.log`)));
  },
);

/** In a process of its own, until its step runs. */
async function startBuild(t: ExecutionContext, request: object): Promise<ChildProcess> {
  const library = new URL('../../src/index.js', import.meta.url).href;
  const script = `import(${JSON.stringify(library)}).then(({ build }) => build({ ...${JSON.stringify(request)},
    onProgress: ({ logs = [] }) => { if (logs.length > 0) process.stdout.write('started') } }))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the build ended before its step ran')));
  await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), ended]);
  return child;
}

testNeeding(['root', ...BASE_NEEDS.busybox], 'no value that looks like a secret is in a record', async (t) => {
  const setting = makeSetting(t, {
    Dockerfile:
      'FROM busybox\nARG API_TOKEN\nARG NAME\nENV DB_PASSWORD=in-the-file-7\nRUN echo $API_TOKEN $NAME\nRUN --mount=type=secret,id=s true\nCOPY <<E /x\n$API_TOKEN\nE\n',
  });
  await build({
    ...setting,
    buildContexts: await buildContexts(),
    buildArgs: { API_TOKEN: 'hunter-two-2', NAME: 'shown' },
    labels: { 'org.example.auth': 'label-secret' },
    secrets: [{ id: 's', value: Buffer.from('mounted-secret') }],
  });
  const all = readAllRecords(setting.root);
  for (const value of ['hunter-two-2', 'in-the-file-7', 'mounted-secret']) t.false(all.includes(value), value);
  t.true(all.includes('RUN echo *** shown'));
  const { record, logPath } = await inspectBuild('', setting);
  t.deepEqual(record.buildArgs, { API_TOKEN: '***', NAME: 'shown' });
  // It goes where records go: the step's name and what the step printed.
  const log = readFileSync(logPath, 'utf8');
  t.false(log.includes('hunter-two-2'), log);
  t.regex(log, /RUN echo \*\*\* shown[\s\S]*\*\*\* shown/);
  t.deepEqual(record.options.secret, ['s']);
});

testNeeding(['root'], 'a cached build writes its record and nothing that is there already', async (t) => {
  const setting = makeSetting(t, { Dockerfile: 'FROM scratch\nCOPY . /\n', a: 'a' });
  await build(setting);
  const before = ['plans', 'lists'].map((name) => readdirSync(join(setting.root, 'builds', name)));
  const { id } = await build(setting);
  t.deepEqual(
    ['plans', 'lists'].map((name) => readdirSync(join(setting.root, 'builds', name))),
    before,
  );
  t.deepEqual(readdirSync(join(setting.root, 'builds', id)).sort(), ['record.json', 'steps.json']);
  t.like(await explainBuild(id, setting), { build: id, executed: 0, cached: 1, steps: [] });
});

testNeeding(['root'], 'builds at the same time each have a record', async (t) => {
  const setting = makeSetting(t, { Dockerfile: 'FROM scratch\nARG N\nCOPY a /$N\n', a: 'a' });
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, index) => build({ ...setting, buildArgs: { N: `${index}` } })),
  );
  const records = await listBuilds(setting);
  t.deepEqual(records.map(({ id }) => id).sort(), results.map(({ id }) => id).sort());
  t.true(records.every(({ status }) => status === 'completed'));
});

testNeeding(['root'], 'failOnMiss: the build is done, and fails when a step of these stages ran', async (t) => {
  const setting = makeSetting(t, {
    Dockerfile: 'FROM scratch AS deps\nCOPY a /a\nFROM deps\nCOPY b /b\nFROM deps AS last\nCOPY --from=1 /b /c\n',
    a: 'a',
    b: 'b',
  });
  await t.throwsAsync(build({ ...setting, failOnMiss: ['dpes'] }), { code: 'DOCKERFILE_STAGE' });
  await t.throwsAsync(build({ ...setting, failOnMiss: true }), { code: 'CACHE_MISSED' });
  t.is((await inspectBuild('', setting)).record.status, 'completed');
  await t.notThrowsAsync(build({ ...setting, failOnMiss: true }));
  writeFileSync(join(setting.context, 'b'), 'changed');
  await t.notThrowsAsync(build({ ...setting, failOnMiss: ['deps'] }));
  writeFileSync(join(setting.context, 'b'), 'again');
  const missed = await t.throwsAsync(build({ ...setting, failOnMiss: ['1'] }), { code: 'CACHE_MISSED' });
  t.regex(missed?.message ?? '', /^not from the cache: \[stage-1 1\/1\] COPY b \/b$/);
  writeFileSync(join(setting.context, 'a'), 'changed');
  await t.throwsAsync(build({ ...setting, failOnMiss: ['Deps', 'last'] }), { code: 'CACHE_MISSED' });
});

testNeeding(
  ['root', 'tar'],
  'an exported build is an OCI layout with its record, log, Dockerfile and steps',
  async (t) => {
    const setting = makeSetting(t, { Dockerfile: 'FROM scratch\nCOPY a /a\n', a: 'a' });
    const { id, logPath } = await build(setting);
    const [archive, folder] = [join(setting.root, 'x.tar'), join(setting.root, 'x')];
    const { createWriteStream } = await import('node:fs');
    const file = createWriteStream(archive);
    await exportBuilds(['^0'], file, setting);
    file.end();
    await once(file, 'close');
    mkdirSync(folder);
    await exec('tar', ['xf', archive, '-C', folder]);
    const read = (digest: string): string => readFileSync(join(folder, 'blobs', digest.replace(':', '/')), 'utf8');
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    const manifest = JSON.parse(read(index.manifests[0].digest));
    t.is(manifest.config.mediaType, 'application/vnd.buildkit.historyrecord.v0');
    t.like(JSON.parse(read(manifest.config.digest)), { Ref: id, numTotalSteps: 5, tsbuild: { id } });
    const layers = manifest.layers as { digest: string; annotations: Record<string, string> }[];
    const byName = new Map(
      layers.map((layer) => [layer.annotations['org.opencontainers.image.title'], read(layer.digest)]),
    );
    t.is(byName.get('Dockerfile'), 'FROM scratch\nCOPY a /a\n');
    t.is(byName.get('build.log'), readFileSync(logPath, 'utf8'));
    t.is(JSON.parse(byName.get('explanation.json') ?? '').build, id);
    t.true(Array.isArray(JSON.parse(byName.get('steps.json') ?? '')));
  },
);

function makeHistory(t: ExecutionContext) {
  const root = makeTempDir('history');
  t.teardown(() => removeTree(root));
  const paths = storePaths(root);
  for (const directory of [paths.builds, paths.logs]) mkdirSync(directory, { recursive: true });
  const add = (id: string, files: Readonly<Record<string, string>>): void => {
    mkdirSync(join(paths.builds, id));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(paths.builds, id, name), text);
  };
  return { paths, add, history: createBuildHistory(paths, native) };
}

const ID = '20260102T030405-00a00001';

test('references: the whole id, a beginning of it or of its second half, an offset', async (t) => {
  const { add, history } = makeHistory(t);
  const ids = ['20260102T030405-00a00001', '20260102T030406-0ab00002', '20260103T030405-0ac00003'] as const;
  for (const id of ids) add(id, { 'record.json': JSON.stringify(makeRecord({ id })) });
  const find = async (reference: string): Promise<string> => (await history.inspect(reference)).record.id;
  t.is(await find(''), ids[2]);
  t.is(await find('^0'), ids[2]);
  t.is(await find('^2'), ids[0]);
  t.is(await find(ids[1]), ids[1]);
  t.is(await find('20260103'), ids[2]);
  t.is(await find('0ab'), ids[1]);
  await t.throwsAsync(find('20260102'), { code: 'BUILD_AMBIGUOUS' });
  for (const reference of ['^3', 'nothing', '../logs', '^-1'])
    await t.throwsAsync(find(reference), { code: 'BUILD_NOT_FOUND' });
});

const HOSTILE: Readonly<Record<string, string>> = {
  'no JSON': '{"format":1',
  'not an object': '[]',
  null: 'null',
  'a number as name': JSON.stringify({ ...makeRecord({ id: ID }), name: 1 }),
  'another id': JSON.stringify(makeRecord({ id: '20260102T030405-ffffffff' })),
  'a later format': JSON.stringify({ ...makeRecord({ id: ID }), format: 99 }),
  'a time that no clock shows': JSON.stringify({ ...makeRecord({ id: ID }), createdMs: 1e300 }),
  'a status of its own': JSON.stringify({ ...makeRecord({ id: ID }), status: 'done' }),
  'counts that are texts': JSON.stringify({ ...makeRecord({ id: ID }), counts: { total: '1' } }),
  'tags that are none': JSON.stringify({ ...makeRecord({ id: ID }), tags: [{}] }),
};

test('what is no record is left out, whatever stands there', async (t) => {
  for (const [what, text] of Object.entries(HOSTILE)) {
    const { add, history } = makeHistory(t);
    add(ID, { 'record.json': text });
    t.deepEqual(await history.list(), [], what);
    await t.throwsAsync(history.explain(ID), { code: 'BUILD_NOT_FOUND' }, what);
  }
});

test('steps, plans and lists that are none cost the explanation, and nothing more', async (t) => {
  const { paths, add, history } = makeHistory(t);
  const plan = 'a'.repeat(64);
  mkdirSync(join(paths.builds, 'plans'));
  add(ID, {
    'record.json': JSON.stringify(makeRecord({ id: ID, plan })),
    'steps.json': '[{"digest":"x"},null,{"name":1}]',
  });
  const texts = ['', '{}', '{"format":1,"dockerfile":{"name":"","text":""},"envs":[[[1]]],"ops":[]}'];
  for (const text of texts) {
    writeFileSync(join(paths.builds, 'plans', plan), text);
    await t.throwsAsync(history.explain(ID), { code: 'BUILD_INCOMPLETE' });
  }
  writeFileSync(
    join(paths.builds, 'plans', plan),
    '{"format":1,"dockerfile":{"name":"","text":""},"envs":[],"ops":[]}',
  );
  t.deepEqual((await history.explain(ID)).steps, []);
  t.deepEqual((await history.inspect(ID)).steps, []);
});

test('a plan is named by a digest: no record reads another file', async (t) => {
  const { paths, add, history } = makeHistory(t);
  writeFileSync(join(paths.root, 'outside'), '{}');
  add(ID, { 'record.json': JSON.stringify(makeRecord({ id: ID, plan: '../../outside' })) });
  await t.throwsAsync(history.explain(ID), { code: 'BUILD_INCOMPLETE' });
});

test('links and endless files in the place of records are no records', async (t) => {
  const { paths, add, history } = makeHistory(t);
  add(ID, {});
  symlinkSync('/dev/zero', join(paths.builds, ID, 'record.json'));
  symlinkSync('/', join(paths.builds, '20260102T030405-00a00002'));
  t.deepEqual(await history.list(), []);
});

test('what is no file in the place of a log is not read, makes nobody wait, and goes with the record', async (t) => {
  const { paths, add, history } = makeHistory(t);
  const log = join(paths.logs, `${ID}.log`);
  mkdirSync(paths.logs, { recursive: true });
  const outside = join(paths.logs, 'outside');
  writeFileSync(outside, 'of somebody');
  for (const put of [
    () => exec('mkfifo', [log]),
    async () => mkdirSync(join(log, 'in it'), { recursive: true }),
    async () => symlinkSync(outside, log),
  ]) {
    add(ID, { 'record.json': JSON.stringify(makeRecord({ id: ID })) });
    await put();
    await t.throwsAsync(history.readLog(ID), { code: 'BUILD_INCOMPLETE', message: /it is no file/ });
    const inspection = await history.inspect(ID);
    const output = new PassThrough().resume();
    await t.throwsAsync(
      writeBundle([{ ...inspection, explanation: undefined }], output, new AbortController().signal),
      { code: 'BUILD_INCOMPLETE', message: /it is no file/ },
    );
    t.is(await history.remove(ID), ID);
    t.is(lstatSync(log, { throwIfNoEntry: false }), undefined);
  }
  t.is(readFileSync(outside, 'utf8'), 'of somebody');
});
