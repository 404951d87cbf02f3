import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { humanSize } from '../../src/cli/format/human.ts';
import { pruneStore } from '../../src/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { openStore } from '../../src/store/index.ts';
import type { ExecResult } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, TSBUILD } from '../support/tsbuild.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, type Setting } from './setting.ts';

const DOCKERFILE = `ARG REGISTRY
FROM $REGISTRY/busybox:1 AS one
ARG N=1
RUN echo $N > /n && dd if=/dev/zero of=/big bs=1k count=300 2>/dev/null
RUN --mount=type=cache,target=/c,id=mycache echo x > /c/x
FROM $REGISTRY/busybox:1
COPY --from=one /n /n
COPY --link file /file
RUN --mount=type=bind,target=/ctx cat /ctx/file > /copied
`;

async function makeStore(setting: Setting): Promise<string> {
  const context = setting.context({ Dockerfile: DOCKERFILE, file: 'hello' });
  for (const [tag, n] of [
    ['app', '1'],
    ['other', '2'],
  ] as const)
    must(await setting.build(context, tag, `--build-arg=N=${n}`));
  return context;
}

function must(result: ExecResult): ExecResult {
  if (result.code !== 0) throw new Error(outputOf(result));
  return result;
}

/** The steps of stages that a build did not find in its cache. */
function executedSteps(result: ExecResult): string[] {
  const steps = [...outputOf(result).matchAll(/^(#\d+) \[\S+ +\d+\/\d+\] .*$/gm)];
  if (steps.length === 0) throw new Error(`no steps in: ${outputOf(result)}`);
  return steps.filter(([, id]) => !outputOf(result).includes(`\n${id} CACHED\n`)).map(([line]) => line);
}

const du = (root: string): number => Number(execFileSync('du', ['-s', '-B1', root]).toString().split('\t')[0]);

testNeeding(
  SETTING_NEEDS,
  'what du says adds up to what the disk says, to the byte, before and after a prune',
  async (t) => {
    const setting = await makeSetting(t);
    const { tsbuild } = setting;
    const context = await makeStore(setting);
    const sumOf = async (): Promise<number> =>
      must(await tsbuild.run(['du', '--format', '{{.Bytes}}']))
        .stdout.trim()
        .split('\n')
        .reduce((sum, line) => sum + Number(line), 0);
    t.is(await sumOf(), du(tsbuild.root));
    const dry = must(await tsbuild.run(['prune', '--dry-run', '--format', 'json']));
    t.is(await sumOf(), du(tsbuild.root));
    t.true(dry.stdout.trim().split('\n').length > 4);
    const refused = await tsbuild.run(['prune']);
    t.is(refused.code, 125);
    t.regex(refused.stderr, /--force/);
    const pruned = must(await tsbuild.run(['buildx', 'prune', '-af']));
    t.regex(pruned.stdout, /^ID +RECLAIMABLE +SIZE +LAST ACCESSED\n/);
    t.regex(pruned.stdout, /\nTotal:\t\d/);
    t.is(await sumOf(), du(tsbuild.root));
    t.deepEqual(readdirSync(join(tsbuild.root, 'cache-mounts')), [], pruned.stdout);
    must(await tsbuild.run(['fsck', '--full']));
    // Both images are whole: they can be written out, and what copied from what is gone is still cached.
    must(await tsbuild.run(['save', '-o', join(setting.work, 'a.tar'), 'app:1', 'other:1']));
    const again = must(await setting.build(context, 'app', '--build-arg=N=1'));
    t.deepEqual(executedSteps(again), [], outputOf(again));
    must(await tsbuild.run(['rmi', 'app:1', 'other:1']));
    must(await tsbuild.run(['prune', '-af']));
    t.deepEqual(
      must(
        await tsbuild.run(['du', '--format', '{{.Kind}}', '--filter', 'description~=build step|RUN|COPY']),
      ).stdout.trim(),
      '',
    );
    t.is(await sumOf(), du(tsbuild.root));
  },
);

testNeeding(
  SETTING_NEEDS,
  'after a build the store is within its limit, and what was used last is there',
  async (t) => {
    const setting = await makeSetting(t);
    const context = setting.context({ Dockerfile: DOCKERFILE, file: 'hello' });
    const env = { TSBUILD_MAX_USED_SPACE: '4MB', TSBUILD_RESERVED_SPACE: '1', TSBUILD_MIN_FREE_SPACE: '0' };
    const flags = [
      'build',
      '--progress=plain',
      `--build-arg=REGISTRY=${setting.registry.host}`,
      '-o',
      `type=tar,dest=${setting.work}/out.tar`,
    ];
    const sizes: number[] = [];
    for (let n = 0; n < 6; n++) {
      must(await setting.tsbuild.run([...flags, `--build-arg=N=${n}`, context], { env }));
      sizes.push(du(setting.tsbuild.root));
    }
    // The command does not wait for ever to tidy up: on a machine that stood still the next one goes on with it.
    const isOver = sizes.map((bytes) => bytes > 4.1 * 1024 ** 2);
    t.false(
      isOver.some((over, index) => over && isOver[index + 1] === true),
      sizes.join(),
    );
    const rebuilt = must(await setting.tsbuild.run([...flags, '--build-arg=N=5', context], { env }));
    t.deepEqual(executedSteps(rebuilt), [], `${sizes.join()}\n${outputOf(rebuilt)}`);
    const off = { ...env, TSBUILD_GC: 'off' };
    for (let n = 10; n < 14; n++)
      must(await setting.tsbuild.run([...flags, `--build-arg=N=${n}`, context], { env: off }));
    t.true(du(setting.tsbuild.root) > 4.4 * 1024 ** 2);
    must(await setting.tsbuild.run(['fsck']));
  },
);

testNeeding(
  SETTING_NEEDS,
  'prunes beside builds, and prunes that are killed, harm no build and leave nothing',
  async (t) => {
    t.timeout(180_000);
    const setting = await makeSetting(t);
    const { tsbuild, registry } = setting;
    const end = Date.now() + 12_000;
    let [builds, prunes] = [0, 0];
    const isEnough = () => Date.now() > end && builds > 5 && prunes > 5;
    const build = async (who: number): Promise<void> => {
      const context = setting.context(
        {
          Dockerfile: `${FROM_BUSYBOX}ARG N\nRUN echo $N > /n\nCOPY file /file\nRUN cat /n /file > /both\n`,
          file: `of ${who}`,
        },
        `context-${who}`,
      );
      for (let n = 0; !isEnough(); n++) {
        const tar = join(setting.work, `out-${who}.tar`);
        must(
          await tsbuild.run([
            'build',
            '--progress=plain',
            `--build-arg=REGISTRY=${registry.host}`,
            `--build-arg=N=${n % 3}`,
            '-o',
            `type=tar,dest=${tar}`,
            '-t',
            `app-${who}:1`,
            context,
          ]),
        );
        t.is(execFileSync('tar', ['-xOf', tar, 'both']).toString(), `${n % 3}\nof ${who}`);
        builds++;
      }
    };
    const prune = async (kills: boolean): Promise<void> => {
      while (!isEnough()) {
        const child = spawn(TSBUILD, ['prune', '-af'], { env: tsbuild.env });
        let said = '';
        child.stderr.on('data', (data: Buffer) => {
          said += data.toString();
        });
        const ended = new Promise<number | null>((done) => child.on('close', done));
        if (kills) {
          await sleep(30 + Math.random() * 150);
          child.kill('SIGKILL');
        }
        const code = await ended;
        if (!kills) t.is(code, 0, said);
        prunes++;
        await sleep(Math.random() * 50);
      }
    };
    const look = async (): Promise<void> => {
      while (!isEnough()) {
        // Of a prune that was killed, something may lie about until the next command sweeps.
        const checked = await tsbuild.run(['fsck', '--format', '{{.Severity}} {{.Code}} {{.Subject}}']);
        t.notRegex(outputOf(checked), /^(?:error|ERROR)/m);
      }
    };
    await Promise.all([build(1), build(2), build(3), prune(false), prune(true), look()]);
    t.log({ builds, prunes });
    must(await tsbuild.run(['prune', '-af', '--filter', 'description=nothing']));
    const checked = must(await tsbuild.run(['fsck', '--format', 'json']));
    t.is(checked.stdout, '');
  },
);

testNeeding(SETTING_NEEDS, 'why-kept names the way to what keeps a thing, and what frees it', async (t) => {
  const setting = await makeSetting(t);
  const { tsbuild } = setting;
  await makeStore(setting);
  const idOf = async (pattern: string): Promise<string> =>
    must(await tsbuild.run(['du', '--format', '{{.ID}}', '--filter', `description~=${pattern}`]))
      .stdout.trim()
      .split('\n')[0] ?? '';
  const kept = must(await tsbuild.run(['why-kept', await idOf('/copied')])).stdout;
  t.regex(kept, /kept by blob [0-9a-f]{12} \(its layer 4, of which there is no blob\) <- image (?:app|other):1/);
  t.regex(kept, /to free it: tsbuild rmi (?:app|other):1/);
  const free = must(await tsbuild.run(['why-kept', await idOf('/c/x')])).stdout;
  t.regex(free, /nothing keeps it/);
  const command = /to free it: tsbuild (prune .*)/.exec(free)?.[1] ?? '';
  must(await tsbuild.run([...command.split(' '), '-f']));
  t.is(await idOf('/c/x').then((id) => id === ''), false, 'the other build has one too');
  t.regex(must(await tsbuild.run(['why-kept', 'mycache'])).stdout, /cache mount mycache\n {2}nothing keeps it/);
  const [report] = must(await tsbuild.run(['why-kept', 'app:1', '--format', 'json']))
    .stdout.trim()
    .split('\n');
  t.like(JSON.parse(report ?? ''), { kind: 'image', reclaimable: false });
  t.is((await tsbuild.run(['why-kept', 'nothing-of-that-name'])).code, 1);
  // A cache is called as an image's ID begins: a name is meant before the beginning of an ID.
  const cache = must(await tsbuild.run(['images', '-q', 'app:1'])).stdout.slice(0, 4);
  const text = `ARG REGISTRY\nFROM $REGISTRY/busybox:1\nRUN --mount=type=cache,target=/m,id=${cache} touch /m/x\n`;
  must(await setting.build(setting.context({ Dockerfile: text }), 'named'));
  t.regex(must(await tsbuild.run(['why-kept', cache])).stdout, new RegExp(`cache mount ${cache}\n`));
});

/** What is done to a store, and what fsck calls it. */
const DAMAGES: readonly (readonly [name: string, codes: RegExp, damage: (root: string) => Promise<void> | void])[] = [
  ['a layer blob with other bytes', /blob-damaged/, (root) => writeFileSync(largestBlob(root), 'other bytes')],
  ['a blob that is cut off', /blob-damaged/, (root) => truncateSync(largestBlob(root), 1000)],
  ['a blob that is empty', /blob-damaged/, (root) => truncateSync(largestBlob(root), 0)],
  ['a file among blobs', /stray-file/, (root) => writeFileSync(join(root, 'blobs/sha256/readme'), 'x')],
  ['a directory among blobs', /stray-file/, (root) => makeDirectory(join(root, 'blobs/sha256', 'a'.repeat(64)))],
  ['index.json that is no JSON', /index-stale/, (root) => writeFileSync(join(root, 'index.json'), '{')],
  [
    'index.json with an unknown name',
    /index-stale/,
    (root) =>
      writeFileSync(
        join(root, 'index.json'),
        '{"schemaVersion":2,"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/library/x:1"}}]}',
      ),
  ],
  ['no oci-layout', /format-file/, (root) => rmSync(join(root, 'oci-layout'))],
  ['a snapshot without its directory', /snapshot-missing/, (root) => rmSync(freeSnapshot(root), { recursive: true })],
  [
    'a snapshot whose fs is a file',
    /snapshot-shape/,
    (root) => {
      rmSync(join(freeSnapshot(root), 'fs'), { recursive: true });
      writeFileSync(join(freeSnapshot(root), 'fs'), '');
    },
  ],
  ['a directory without a record', /snapshot-orphan/, (root) => makeDirectory(join(root, 'snapshots', 'nobody', 'fs'))],
  [
    'a half made snapshot of a dead process',
    /leftover/,
    (root) => makeDirectory(join(root, 'snapshots', 'active-4194999-0123456789ab-0', 'fs')),
  ],
  [
    'a half written blob of a dead process',
    /leftover/,
    (root) => writeFileSync(join(root, 'ingest', '4194999-0123456789ab.1'), 'x'),
  ],
  [
    'the lock of a dead process',
    /stale-lock/,
    (root) => writeFileSync(join(root, 'locks', 'owner-4194999-0123456789ab'), 'sha256:x\n'),
  ],
  [
    'what is no file in the place of locks',
    /stray-file[\s\S]*stray-file/,
    (root) => {
      makeDirectory(join(root, 'locks', 'owner-4194999-0123456789ab'));
      symlinkSync('/etc/hostname', join(root, 'locks', `claim-${'a'.repeat(64)}.lock`));
    },
  ],
  [
    'directories and links in the place of the locks that a repair takes',
    /stray-file error[\s\S]*stray-file error/,
    (root) => {
      for (const name of ['gc', 'upkeep']) rmSync(join(root, 'locks', `${name}.lock`), { force: true });
      makeDirectory(join(root, 'locks', 'gc.lock', 'in it'));
      symlinkSync('/etc/hostname', join(root, 'locks', 'upkeep.lock'));
    },
  ],
  [
    'a wrong link to a parent',
    /snapshot-shape/,
    (root) => {
      rmSync(join(freeSnapshot(root), 'parent'), { force: true });
      symlinkSync('elsewhere', join(freeSnapshot(root), 'parent'));
    },
  ],
  ['a stray file in the root', /stray-file/, (root) => writeFileSync(join(root, 'notes.txt'), 'x')],
  ['a stray file beside the tables', /stray-file/, (root) => writeFileSync(join(root, 'meta', 'core'), 'x')],
  [
    'a cache mount that says it is another',
    /cache-mount/,
    (root) => {
      const [name] = readdirSync(join(root, 'cache-mounts'));
      writeFileSync(
        join(root, 'cache-mounts', name ?? '', 'mount.json'),
        '{"id":"/x","mode":1,"uid":0,"gid":0,"createdMs":1}',
      );
    },
  ],
  [
    'a build record that is cut off',
    /build-record/,
    (root) => {
      const [id] = readdirSync(join(root, 'builds')).filter((name) => /^\d{8}T/.test(name));
      writeFileSync(join(root, 'builds', id ?? '', 'record.json'), '{"id":');
    },
  ],
  [
    'a stat cache of nothing',
    /stat-cache/,
    (root) => {
      mkdirSync(join(root, 'meta', 'stat-cache'), { recursive: true });
      writeFileSync(join(root, 'meta', 'stat-cache', '0'.repeat(64)), 'x');
    },
  ],
  ['a repository that is not whole', /git-repository/, (root) => makeDirectory(join(root, 'git', 'a'.repeat(40)))],
  [
    'a cache record of another shape',
    /record-invalid/,
    (root) => withTable(root, 'cache-records', 'sha256:x', { snapshots: 7 }),
  ],
  [
    'a cache record with a number for a name',
    /record-invalid/,
    (root) => withTable(root, 'cache-records', `sha256:${'1'.repeat(64)}`, { snapshots: [], name: 7 }),
  ],
  [
    'a cache record that says nothing',
    /record-invalid/,
    (root) => withTable(root, 'cache-records', `sha256:${'1'.repeat(64)}`, null),
  ],
  ['a chain to nowhere', /chain-stale/, (root) => withTable(root, 'chains', `sha256:${'1'.repeat(64)}`, 'gone')],
  [
    'an image record without a target',
    /image-record/,
    (root) => withTable(root, 'images', 'docker.io/library/odd:1', { name: 'x' }),
  ],
  [
    'an image record whose target is no manifest',
    /image-broken/,
    async (root) => {
      const digest: unknown = digestOf(readFileSync(largestBlob(root)));
      const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 7 };
      const name = 'docker.io/library/odd:1';
      await withTable(root, 'images', name, { name, target, imageID: digest, createdMs: 1 });
    },
  ],
  [
    'a changed file in a snapshot',
    /snapshot-changed/,
    (root) => writeFileSync(join(freeSnapshot(root), 'fs', 'n'), 'changed'),
  ],
  [
    'tables that are gone, and the lock of a dead process whose number is another’s now',
    /tables-damaged/,
    (root) => {
      writeFileSync(join(root, 'locks', `owner-${process.pid}-0123456789ab`), '');
      rmSync(join(root, 'meta', 'tables.mdb'));
    },
  ],
  ['tables that are gone', /tables-damaged/, (root) => rmSync(join(root, 'meta', 'tables.mdb'))],
  [
    'tables that are overwritten',
    /tables-damaged/,
    (root) => writeFileSync(join(root, 'meta', 'tables.mdb'), Buffer.alloc(8192, 7)),
  ],
  [
    'a record of a snapshot that is lost',
    /tables-damaged/,
    (root) => changeTable(root, 'snapshots', (name) => ({ [name]: undefined })),
  ],
  [
    'a record of a snapshot that says nothing',
    /tables-damaged/,
    (root) => changeTable(root, 'snapshots', (name) => ({ [name]: null })),
  ],
  [
    'a record of a snapshot with a field of another type',
    /tables-damaged/,
    (root) => changeTable(root, 'snapshots', (name, record) => ({ [name]: { ...record, parent: 7 } })),
  ],
  [
    'an image record with a field of another type',
    /tables-damaged/,
    (root) => changeTable(root, 'images', (name, record) => ({ [name]: { ...record, imageID: [7] } })),
  ],
  [
    'a record of a snapshot under another name',
    /tables-damaged/,
    (root) => changeTable(root, 'snapshots', (name, record) => ({ [name]: undefined, [`${name}x`]: record })),
  ],
  [
    'a record of a snapshot with another parent',
    /tables-damaged/,
    (root) =>
      changeTable(root, 'snapshots', (name, record) =>
        record.parent === null ? {} : { [name]: { ...record, parent: 'elsewhere' } },
      ),
  ],
  [
    'an image record under another name',
    /tables-damaged/,
    (root) => changeTable(root, 'images', (name, record) => ({ [name]: undefined, [`${name}x`]: record })),
  ],
  ['tables that are cut off', /tables-damaged/, (root) => truncateSync(join(root, 'meta', 'tables.mdb'), 8192)],
];

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true });
}

function largestBlob(root: string): string {
  const directory = join(root, 'blobs/sha256');
  return execFileSync('sh', ['-c', `ls -S ${directory} | head -1`])
    .toString()
    .trim()
    .replace(/^/, `${directory}/`);
}

/** A snapshot that no image needs, of which the diffID is known: the one with the large file of the step that `one:1` had too. */
function freeSnapshot(root: string): string {
  const directory = join(root, 'snapshots');
  const note = join(root, '.free');
  const name = existsSync(note)
    ? readFileSync(note, 'utf8')
    : (readdirSync(directory).find((each) => isFree(join(directory, each, 'fs'))) ?? '');
  writeFileSync(note, name);
  return join(directory, name);
}

function isFree(tree: string): boolean {
  return existsSync(join(tree, 'big')) && readFileSync(join(tree, 'n'), 'utf8') === '1\n';
}

async function withTable(root: string, table: string, key: string, value: unknown): Promise<void> {
  const store = await openStore(root);
  await store.table(table).put(key, value);
  await store.close();
}

type Records = Readonly<Record<string, object | null | undefined>>;

/** Writes what `change` makes of each record, under the name that it gives; `undefined` removes. */
async function changeTable(
  root: string,
  table: string,
  change: (name: string, record: { readonly parent?: string | null }) => Records,
): Promise<void> {
  const store = await openStore(root);
  const before = Array.from(store.table<{ parent?: string | null }>(table).entries());
  for (const { key, value } of before)
    for (const [name, record] of Object.entries(change(key, value)))
      await (record === undefined ? store.table(table).remove(name) : store.table(table).put(name, record));
  await store.close();
}

testNeeding(
  SETTING_NEEDS,
  'a store that was damaged in many ways is found to be, and mended; no whole image is lost',
  async (t) => {
    t.timeout(300_000);
    const setting = await makeSetting(t);
    const { tsbuild } = setting;
    const context = await makeStore(setting);
    must(await tsbuild.run(['fsck', '--full']));
    const sound = join(setting.work, 'sound');
    // One that is packed knows the diffIDs of all that it stands on.
    must(
      await tsbuild.run([
        'build',
        '-q',
        `--build-arg=REGISTRY=${setting.registry.host}`,
        '--target=one',
        '-t',
        'one:1',
        context,
      ]),
    );
    must(await tsbuild.run(['rmi', 'one:1']));
    renameSync(tsbuild.root, sound);
    for (const [name, codes, damage] of DAMAGES) {
      rmSync(tsbuild.root, { recursive: true, force: true });
      execFileSync('cp', ['-a', '--reflink=auto', sound, tsbuild.root]);
      await damage(tsbuild.root);
      rmSync(join(tsbuild.root, '.free'), { force: true });
      const found = await tsbuild.run(['fsck', '--full', '--format', '{{.Code}} {{.Severity}}']);
      t.regex(found.stdout, codes, name);
      // Warnings alone are no failure.
      t.is(found.code, / error$/m.test(found.stdout) ? 1 : 0, `${name}: ${outputOf(found)}`);
      const mended = await tsbuild.run(['fsck', '--full', '--repair']);
      t.is(mended.code, 0, `${name}: ${outputOf(mended)}`);
      // To look at the lock of a dead process is to take it away.
      t.regex(mended.stdout, name.startsWith('the lock') ? /: clean/ : /repaired: /, name);
      const clean = await tsbuild.run(['fsck', '--full']);
      t.is(clean.code, 0, `${name}, afterwards: ${outputOf(clean)}`);
      t.is((await tsbuild.run(['images', '-q'])).stdout.trim().split('\n').length, 3, name);
      const saved = await tsbuild.run(['save', '-o', '/dev/null', 'app:1', 'other:1']);
      t.is(saved.code, 0, `${name}: ${outputOf(saved)}`);
    }
  },
);

testNeeding(SETTING_NEEDS, 'a prune that is stopped forgets what it has removed', async (t) => {
  const setting = await makeSetting(t);
  const { tsbuild } = setting;
  await makeStore(setting);
  must(await tsbuild.run(['save', '-o', '/dev/null', 'app:1', 'other:1']));
  const stop = new AbortController();
  const { root } = tsbuild;
  await t.throwsAsync(pruneStore({ root, all: true, signal: stop.signal, onRemoved: () => stop.abort() }), {
    any: true,
  });
  // Files are left, which the next command deletes, and no name that leads nowhere.
  const checked = await tsbuild.run(['fsck']);
  const kinds = checked.stdout.matchAll(/^(?:warning|error) (\S+):/gm);
  t.deepEqual([...new Set([...kinds].map(([, kind]) => kind))], ['leftover'], outputOf(checked));
});

testNeeding(SETTING_NEEDS, 'fsck --repair that is killed loses nothing; the next one ends what it began', async (t) => {
  t.timeout(120_000);
  const setting = await makeSetting(t);
  const { tsbuild } = setting;
  await makeStore(setting);
  const sound = join(setting.work, 'sound');
  renameSync(tsbuild.root, sound);
  for (let round = 0; round < 8; round++) {
    rmSync(tsbuild.root, { recursive: true, force: true });
    execFileSync('cp', ['-a', sound, tsbuild.root]);
    rmSync(join(tsbuild.root, 'meta', 'tables.mdb'));
    writeFileSync(join(tsbuild.root, 'notes.txt'), 'x');
    const child = spawn(TSBUILD, ['fsck', '--repair'], { env: tsbuild.env, stdio: 'ignore' });
    await sleep(60 + round * 15);
    child.kill('SIGKILL');
    await new Promise((done) =>
      child.exitCode === null && child.signalCode === null ? child.on('close', done) : done(undefined),
    );
    const mended = await tsbuild.run(['fsck', '--repair']);
    t.is(mended.code, 0, outputOf(mended));
    t.is((await tsbuild.run(['images', '-q'])).stdout.trim().split('\n').length, 3);
    must(await tsbuild.run(['save', '-o', '/dev/null', 'app:1', 'other:1']));
  }
});

testNeeding(SETTING_NEEDS, 'image prune takes docker’s filters', async (t) => {
  const setting = await makeSetting(t);
  const { tsbuild } = setting;
  const context = setting.context({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /d\n' });
  // Two that lose their names, and one that keeps its own.
  for (const flags of [
    ['--label=stage=test', '--label=n=1'],
    ['--label=stage=test', '--label=n=2'],
    ['--label=stage=live'],
  ])
    must(await tsbuild.run(['build', '-q', '-t', 'app:1', ...flags, context]));
  const prune = async (...flags: string[]): Promise<number> =>
    [...must(await tsbuild.run(['image', 'prune', '-f', ...flags])).stdout.matchAll(/^deleted: /gm)].length;
  t.is(await prune('--filter=label=stage=none'), 0);
  t.is(await prune('--filter=until=1h'), 0);
  t.is(await prune('--filter', 'label!=stage=test'), 0);
  t.is(await prune('--filter=label=stage=test', '--filter=label=n=1'), 1);
  t.is(await prune('--filter', 'label!=stage=live', '--filter=until=2999-01-01'), 1);
  t.is(await prune('--filter=dangling=false', '--filter=label=stage=test'), 0);
  t.is(await prune('--filter=dangling=false', '--filter=label=stage'), 1);
  t.is((await tsbuild.run(['images', '-q'])).stdout, '');
  for (const [flags, said] of [
    [['--filter=labl=x'], /did you mean label\?/],
    [['--filter=until'], /it is not key=value/],
    [['--filter=until=soon'], /no time span/],
    [['-a', '--filter=dangling=true'], /contradict/],
  ] as const) {
    const refused = await tsbuild.run(['image', 'prune', '-f', ...flags]);
    t.is(refused.code, 125, flags.join(' '));
    t.regex(refused.stderr, said);
  }
});

testNeeding(SETTING_NEEDS, 'system df adds up to what du says, and system prune is both prunes', async (t) => {
  const setting = await makeSetting(t);
  const { tsbuild } = setting;
  await makeStore(setting);
  const bytes = must(await tsbuild.run(['du', '--format', '{{.Bytes}} {{.Shared}} {{.Type}}']))
    .stdout.trim()
    .split('\n')
    .map((line) => line.split(' '));
  const sum = (keep: (shared: string, type: string) => boolean): string =>
    humanSize(
      bytes.filter(([, shared = '', type = '']) => keep(shared, type)).reduce((all, [n]) => all + Number(n), 0),
      4,
    );
  const rows = must(await tsbuild.run(['system', 'df', '--format', '{{.Type}}|{{.TotalCount}}|{{.Size}}'])).stdout;
  const images = sum((shared) => shared === 'true');
  t.is(
    rows.replace(/^((?:Build Cache|Store)\|)\d+/gm, '$1n'),
    [
      `Images|3|${images}`,
      `Build Cache|n|${sum((shared, type) => shared === 'false' && type !== 'internal')}`,
      `Store|n|${sum((shared, type) => shared === 'false' && type === 'internal')}`,
      '',
    ].join('\n'),
  );
  t.regex(must(await tsbuild.run(['system', 'df'])).stdout, /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +3 +0 /);
  t.regex(must(await tsbuild.run(['system', 'df', '-v'])).stdout, /Images space usage:[\s\S]*app +1 [\s\S]*CACHE ID/);
  // A label is of images: the cache stays.
  t.is(must(await tsbuild.run(['system', 'prune', '-af', '--filter=label=x'])).stdout, 'Total reclaimed space: 0B\n');
  const some = must(await tsbuild.run(['system', 'prune', '-f'])).stdout;
  t.regex(some, /^Deleted build cache objects:\n(?:\S+\n)+\nTotal reclaimed space: [1-9]/);
  const all = must(await tsbuild.run(['system', 'prune', '-af', '--volumes'])).stdout;
  t.regex(
    all,
    /^Deleted Images:\nuntagged: [\s\S]*\n\nDeleted build cache objects:\n[\s\S]*\nTotal reclaimed space: [1-9]/,
  );
  t.is((await tsbuild.run(['images', '-q'])).stdout, '');
});

/** Of a root where there is no store: the arguments, the exit code, and what is said. */
const WITHOUT_STORE: readonly (readonly [args: string, code: number, said: RegExp])[] = [
  ['images', 0, /^REPOSITORY +TAG +IMAGE ID/],
  ['du', 0, /^Total: +0B$/m],
  ['fsck', 0, /: clean$/m],
  ['prune --dry-run', 0, /^Total:\t0B$/m],
  ['prune -f', 0, /^Total:\t0B$/m],
  ['prune -af --max-used-space 1GB', 0, /^Total:\t0B$/m],
  ['image prune -f', 0, /^Total reclaimed space: 0B$/m],
  ['image prune -af', 0, /^Total reclaimed space: 0B$/m],
  ['system df', 0, /^Images +0 +0 +0B +0B$/m],
  ['system prune -af', 0, /^Total reclaimed space: 0B$/m],
  ['rmi app', 1, /app/],
  ['tag app other', 1, /app/],
  ['push localhost/app', 1, /app/],
  ['save -o /dev/null app', 1, /app/],
  ['cache-mount rm c', 1, /c/],
  ['builds rm ^0', 1, /no record/],
  ['why-kept app', 1, /app/],
];

test('commands that look, or take away, make no store', async (t) => {
  const work = makeTempDir('none');
  t.teardown(() => removeTree(work));
  const root = join(work, 'a', 'store');
  for (const [args, code, said] of WITHOUT_STORE) {
    const result = await openTsbuild(root).run(args.split(' '));
    t.is(result.code, code, `${args}: ${outputOf(result)}`);
    t.regex(outputOf(result), said, args);
  }
  t.false(existsSync(join(work, 'a')));
});
