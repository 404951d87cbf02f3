// Contexts of every kind, each built by tsbuild and by docker (BuildKit): the same tree, times included, and the same config.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { compareImages } from '../support/compare-images.ts';
import { type Dockerd, startDockerd } from '../support/dockerd.ts';
import type { ExecResult } from '../support/exec.ts';
import { type GitServer, makeRepository, startGitDaemon, startGitHttp } from '../support/git-server.ts';
import { type ImageContent, readImage } from '../support/image-tree.ts';
import { missingNeeds } from '../support/machine.ts';
import { findNewestDocker } from '../support/newest-docker.ts';
import { writeTar } from '../support/tar-writer.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, type Tsbuild } from '../support/tsbuild.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';
import { outputOf } from './setting.ts';

interface Room {
  readonly work: string;
  readonly tsbuild: Tsbuild;
  readonly docker: Dockerd | undefined;
  readonly web: WebServer;
  readonly git: GitServer;
  readonly gitHttp: Awaited<ReturnType<typeof startGitHttp>>;
}

const test = anyTest as TestFn<Room>;
const missing = missingNeeds(['root', 'git', 'bzip2', 'xz', 'zstd', 'tar']);
const programs = await findNewestDocker();
const PACKERS = { tar: ['cat'], gzip: ['gzip', '-c'], bzip2: ['bzip2', '-c'], xz: ['xz', '-c'], zstd: ['zstd', '-qc'] };

test.before(async (t) => {
  if (missing.length > 0) return;
  const work = makeTempDir('contexts');
  makeFiles(work);
  const web = await startWebServer((request, response) => {
    try {
      const body = readFileSync(join(work, 'www', request.url ?? ''));
      response.setHeader('last-modified', 'Tue, 01 Feb 2022 03:04:05 GMT');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  const repository = await makeRepository(join(work, 'git', 'app.git'));
  symlinkSync('/etc/passwd', join(repository.path, 'link'));
  await repository.commit({
    Dockerfile: 'FROM scratch\nCOPY . /all/\n',
    'sub/Dockerfile': 'FROM scratch\nCOPY . /sub/\nENV FROM=git\n',
    'sub/file': 'in a repository\n',
    '.dockerignore': 'sub\n',
  });
  await repository.git('tag', 'v1');
  await repository.commit({ later: 'after v1\n' });
  t.context = {
    work,
    tsbuild: openTsbuild(join(work, 'store')),
    docker: programs && (await startDockerd({ programs })),
    web,
    git: await startGitDaemon(join(work, 'git')),
    gitHttp: await startGitHttp(join(work, 'git')),
  };
});

test.after.always(async ({ context }) => {
  if (context.work === undefined) return;
  await Promise.all([context.docker?.stop(), context.web.stop(), context.git.stop(), context.gitHttp.stop()]);
  removeTree(context.work);
});

/** A tree with owners, modes, times, links and an ignore file; the same as archives. */
function makeFiles(work: string): void {
  const tree = join(work, 'tree');
  for (const folder of ['tree/dir', 'tree/.git', 'named', 'main', 'www'])
    mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(tree, 'Dockerfile'), 'FROM scratch\nCOPY . /all/\nCOPY --chown=5:6 dir /owned/\nCMD ["x"]\n');
  writeFileSync(join(tree, 'Other'), 'FROM scratch\nCOPY dir/file /other\n');
  writeFileSync(join(tree, 'dir/file'), 'content\n');
  writeFileSync(join(tree, 'left-out'), 'is there all the same\n');
  writeFileSync(join(tree, '.dockerignore'), 'left-out\n');
  writeFileSync(join(tree, '.git/config'), '');
  symlinkSync('/etc/passwd', join(tree, 'link'));
  for (const path of ['dir', 'dir/file']) chownSync(join(tree, path), 1000, 1001);
  chmodSync(join(tree, 'dir/file'), 0o4751);
  for (const path of ['dir/file', 'dir']) utimesSync(join(tree, path), 1e9, 1e9);
  execFileSync('tar', ['cf', join(work, 'plain.tar'), '-C', tree, '.']);
  for (const [name, [command = '', ...args]] of Object.entries(PACKERS))
    writeFileSync(join(work, 'www', `context.${name}`), execFileSync(command, [...args, join(work, 'plain.tar')]));
  writeFileSync(join(work, 'www/Dockerfile.txt'), 'FROM scratch\nCOPY . /all/\nLABEL from=web\n');
  writeFileSync(join(work, 'named/kept'), 'kept\n');
  writeFileSync(join(work, 'named/skipped'), 'skipped\n');
  writeFileSync(join(work, 'named/.dockerignore'), 'skipped\n');
  chownSync(join(work, 'named/kept'), 7, 8);
  writeFileSync(join(work, 'main/.dockerignore'), 'kept\n');
}

interface Case {
  readonly title: string;
  /** The arguments; `{web}`, `{git}` and `{work}` stand for the places of this run. */
  readonly args: readonly string[];
  /** Path below the working folder, or the text itself when it has lines. */
  readonly stdin?: string;
  /** What docker cannot do here. */
  readonly alone?: boolean;
  /** Paths that must be in the tree. */
  readonly paths: readonly string[];
}

const DOCKERFILE = 'FROM scratch\nCOPY --from=foo / /foo/\n';

const CASES: readonly Case[] = [
  ...Object.keys(PACKERS).map(
    (name): Case => ({
      title: `a tar on standard input: ${name}`,
      args: ['-'],
      stdin: `www/context.${name}`,
      // BuildKit's client takes zstd for a Dockerfile.
      alone: name === 'zstd',
      paths: ['all/left-out', 'all/.git/config', 'owned/file'],
    }),
  ),
  { title: '-f names a path in the tar', args: ['-f', 'Other', '-'], stdin: 'www/context.gzip', paths: ['other'] },
  { title: 'a Dockerfile on standard input', args: ['-'], stdin: 'FROM scratch\nENV a=b\nWORKDIR /x\n', paths: ['x'] },
  {
    title: '-f - beside a directory',
    args: ['-f', '-', '{work}/tree'],
    stdin: 'FROM scratch\nCOPY dir /d\n',
    paths: ['d/file'],
  },
  { title: 'a tar at a URL', args: ['{web}/context.xz'], paths: ['all/left-out', 'owned/file'] },
  { title: 'a Dockerfile at a URL', args: ['{web}/Dockerfile.txt'], paths: ['all/context'] },
  {
    title: '-f - beside a tar at a URL',
    args: ['-f', '-', '{web}/context.tar'],
    stdin: 'FROM scratch\nCOPY dir/file /\n',
    paths: ['file'],
  },
  { title: '-f names a path in a tar at a URL', args: ['-f', 'Other', '{web}/context.gzip'], paths: ['other'] },
  {
    title: '-f at a URL beside a directory',
    args: ['-f', '{web}/Dockerfile.txt', '{work}/named'],
    paths: ['all/kept'],
  },
  { title: 'a repository', args: ['{git}/app.git'], paths: ['all/sub/file', 'all/later'] },
  { title: 'a repository: tag and folder', args: ['{git}/app.git#v1:sub'], paths: ['sub/file'] },
  {
    title: 'a repository by its query',
    args: ['{gitHttp}/app.git?tag=v1&subdir=sub'],
    alone: true,
    paths: ['sub/file'],
  },
  { title: 'a repository by http', args: ['{gitHttp}/app.git#v1'], paths: ['all/sub/file'] },
  { title: '-f names a path in a repository', args: ['-f', 'sub/Dockerfile', '{git}/app.git'], paths: ['sub/later'] },
  {
    title: '-f - beside a repository',
    args: ['-f', '-', '{git}/app.git#v1:sub'],
    stdin: 'FROM scratch\nCOPY file /\n',
    paths: ['file'],
  },
  ...[
    'foo={work}/named',
    'foo={git}/app.git#v1:sub',
    'foo:latest={work}/named',
    'docker.io/library/foo={work}/named',
  ].map(
    (context): Case => ({
      title: `--build-context ${context}`,
      args: ['--build-context', context, '-f', '-', '{work}/main'],
      stdin: DOCKERFILE,
      paths: [context.includes('git') ? 'foo/file' : 'foo/kept'],
    }),
  ),
  {
    title: 'a named tar at a URL',
    args: ['--build-context', 'foo={web}/context.gzip', '-f', '-', '{work}/main'],
    stdin: DOCKERFILE,
    alone: true,
    paths: ['foo/dir/file'],
  },
  {
    title: 'a named context for a platform',
    args: [
      '--build-context',
      'foo::linux/amd64={work}/named',
      '--build-context',
      'foo::linux/arm64={work}/main',
      '--platform=linux/amd64',
      '-f',
      '-',
      '{work}/main',
    ],
    stdin: DOCKERFILE,
    alone: true,
    paths: ['foo/kept'],
  },
  {
    title: 'FROM a named directory',
    args: ['--build-context', 'foo={work}/named', '-f', '-', '{work}/tree'],
    stdin: 'FROM foo\nCOPY dir/file /\nENV a=b\n',
    paths: ['kept', 'file'],
  },
  {
    title: 'FROM a named repository, by a stage',
    args: ['--build-context', 'foo={git}/app.git#v1:sub', '-f', '-', '{work}/tree'],
    stdin: 'FROM foo AS one\nFROM one\nCOPY --from=foo file /again\n',
    paths: ['file', 'again'],
  },
  {
    title: 'a stage that is replaced',
    args: ['--build-context', 'built={work}/named', '-f', '-', '{work}/tree'],
    stdin: 'FROM scratch AS built\nCOPY nothing /\nFROM scratch\nCOPY --from=built kept /\n',
    paths: ['kept'],
  },
  {
    title: 'a stage in the place of a name',
    args: ['--build-context', 'foo=target:two', '-f', '-', '{work}/tree'],
    stdin:
      'FROM foo AS one\nCOPY dir/file /one\nFROM scratch AS two\nCOPY dir/file /two\nFROM one\nCOPY --from=foo two /three\n',
    alone: true,
    paths: ['one', 'two', 'three'],
  },
  {
    title: 'an empty image in the place of a name',
    args: ['--build-context', 'foo=docker-image://scratch', '-f', '-', '{work}/tree'],
    stdin: 'FROM foo\nCOPY dir/file /one\n',
    paths: ['one'],
  },
];

for (const { title, args, stdin, alone = false, paths } of CASES) {
  const define = missing.length > 0 ? test.skip : test;
  define(missing.length > 0 ? `${title} (needs ${missing.join(', ')})` : title, async (t) => {
    const { work, tsbuild, docker, web, git, gitHttp } = t.context;
    const place = (text: string): string =>
      text
        .replace('{web}', web.url)
        .replace('{gitHttp}', gitHttp.url)
        .replace('{git}', git.url)
        .replace('{work}', work);
    const input = stdin === undefined ? '' : stdin.includes('\n') ? stdin : readFileSync(join(work, stdin));
    const tag = `case-${CASES.findIndex((other) => other.title === title)}:1`;
    const build = async (run: Tsbuild['run'], name: string): Promise<ImageContent> => {
      const flags = name === 'docker' ? ['--network=host'] : [];
      const built = await run(['build', ...flags, '--progress=plain', '-t', tag, ...args.map(place)], { input });
      if (built.code !== 0) throw new Error(`${name}: ${outputOf(built)}`);
      const archive = join(work, `${name}-${tag}.tar`);
      const saved: ExecResult = await run(['save', '-o', archive, tag]);
      if (saved.code !== 0) throw new Error(`${name}: ${outputOf(saved)}`);
      const image = readImage(archive);
      removeTree(archive);
      return image;
    };
    const ours = await build(tsbuild.run, 'tsbuild');
    for (const path of paths) t.true(ours.tree.has(path), `${path} is there`);
    t.false([...ours.tree.keys()].some((path) => path.startsWith('all/') && path.includes('app.git')));
    if (alone || docker === undefined) return;
    const theirs = await build(docker.run, 'docker');
    t.deepEqual(
      compareImages(ours, theirs, { mtimeOf: ['all/dir/file', 'owned/file', 'all/context', 'foo/kept'] }),
      [],
    );
  });
}

const define = missing.length > 0 ? test.skip : test;
define(
  `SOURCE_DATE_EPOCH=context is the context's own time${missing.length > 0 ? ` (needs ${missing.join(', ')})` : ''}`,
  async (t) => {
    const { work, tsbuild, web, git } = t.context;
    const dockerfile = 'FROM scratch\nARG SOURCE_DATE_EPOCH=none\nENV EPOCH=$SOURCE_DATE_EPOCH\n';
    const tar = writeTar([{ name: 'Dockerfile', type: '0', content: dockerfile }]);
    const cases: readonly (readonly [
      context: string,
      input: string | Buffer,
      flags: readonly string[],
      epoch: string,
    ])[] = [
      [`${web.url}/context.gzip`, dockerfile, ['-f', '-'], '1643684645'],
      [`${git.url}/app.git#v1:sub`, dockerfile, ['-f', '-'], '1580608922'],
      ['-', tar, [], '0'],
      [join(work, 'named'), dockerfile, ['-f', '-'], 'none'],
    ];
    for (const [context, input, flags, epoch] of cases) {
      const args = ['build', '--build-arg=SOURCE_DATE_EPOCH=context', '-t', 'epoch', ...flags, context];
      const built = await tsbuild.run(args, { input });
      t.is(built.code, 0, outputOf(built));
      const [image] = JSON.parse((await tsbuild.run(['image', 'inspect', 'epoch'])).stdout) as [
        { readonly Created: string; readonly Config: { readonly Env: readonly string[] } },
      ];
      t.true(image.Config.Env.includes(`EPOCH=${epoch}`), context);
      if (epoch !== 'none') t.is(Date.parse(image.Created), Number(epoch) * 1000, context);
    }
  },
);

define(
  `SOURCE_DATE_EPOCH by the name of a stage or a context, and by an ARG${missing.length > 0 ? ` (needs ${missing.join(', ')})` : ''}`,
  async (t) => {
    const { work, tsbuild, web, git } = t.context;
    const stage = `FROM scratch AS dated\nARG FILE=context.gzip\nADD ${web.url}/$FILE /\n`;
    const commit = `FROM scratch AS Dated\nADD ${git.url}/app.git#v1 /\n`;
    const last = 'FROM scratch\nARG SOURCE_DATE_EPOCH\nENV EPOCH=$SOURCE_DATE_EPOCH\n';
    const build = (dockerfile: string, flags: readonly string[]) =>
      tsbuild.run(['build', '-q', '-t', 'named-epoch', ...flags, '-f', '-', join(work, 'named')], {
        input: dockerfile,
      });
    const cases: readonly (readonly [dockerfile: string, flags: readonly string[], epoch: string])[] = [
      [`ARG SOURCE_DATE_EPOCH=1500000000\n${last}`, [], '1500000000'],
      [`ARG SOURCE_DATE_EPOCH=1500000000\n${last}`, ['--build-arg=SOURCE_DATE_EPOCH=1600000000'], '1600000000'],
      [`ARG SOURCE_DATE_EPOCH=dated\n${stage}${last}`, [], '1643684645'],
      [`${commit}${last}`, ['--build-arg=SOURCE_DATE_EPOCH=dated'], '1580608922'],
      [last, ['--build-arg=SOURCE_DATE_EPOCH=other', `--build-context=other=${web.url}/context.gzip`], '1643684645'],
      [`ARG SOURCE_DATE_EPOCH=other\n${last}`, [`--build-context=other=${git.url}/app.git#v1`], '1580608922'],
      [`ARG SOURCE_DATE_EPOCH=other\n${last}`, [`--build-context=other=${work}`], ''],
      [`ARG SOURCE_DATE_EPOCH=context\n${last}`, [], ''],
    ];
    for (const [dockerfile, flags, epoch] of cases) {
      const built = await build(dockerfile, flags);
      t.is(built.code, 0, outputOf(built));
      const [image] = JSON.parse((await tsbuild.run(['image', 'inspect', 'named-epoch'])).stdout) as [
        { readonly Created: string; readonly Config: { readonly Env: readonly string[] } },
      ];
      t.true(image.Config.Env.includes(`EPOCH=${epoch}`), `${dockerfile}${image.Config.Env.join()}`);
      if (epoch !== '') t.is(Date.parse(image.Created), Number(epoch) * 1000, dockerfile);
    }
    const refused: readonly (readonly [dockerfile: string, says: RegExp])[] = [
      [`ARG SOURCE_DATE_EPOCH=dates\n${stage}${last}`, /1:5\n[\s\S]*neither a number nor a context nor a stage/],
      [`ARG SOURCE_DATE_EPOCH=dated\n${stage}${stage.split('\n')[2]}\n${last}`, /it fetches more than one thing/],
      [`ARG SOURCE_DATE_EPOCH=dated\n${stage}COPY . /\n${last}`, /it does more than to fetch: COPY/],
      [`ARG SOURCE_DATE_EPOCH=dated\nFROM scratch AS dated\n${last}`, /it fetches nothing/],
      [`ARG SOURCE_DATE_EPOCH=dated\nFROM other AS dated\n${last}`, /it does not start from scratch/],
      [`ARG SOURCE_DATE_EPOCH=dated\nFROM scratch AS dated\nADD file /\n${last}`, /neither a URL nor a repository/],
    ];
    for (const [dockerfile, says] of refused) t.regex((await build(dockerfile, [])).stderr, says, dockerfile);
    const argument = await build(last, ['--build-arg=SOURCE_DATE_EPOCH=tomorrow']);
    t.regex(argument.stderr, /SOURCE_DATE_EPOCH is "tomorrow": neither/);
  },
);
