// ADD of URLs and repositories, as the command does it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { makeRepository, startGitHttp } from '../support/git-server.ts';
import { readImage } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { spawnBound } from '../support/spawn-bound.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, TSBUILD } from '../support/tsbuild.ts';
import { startWebServer } from '../support/web-server.ts';

async function openRoom(t: ExecutionContext) {
  const work = makeTempDir('remote');
  const tsbuild = openTsbuild(join(work, 'store'));
  const repository = await makeRepository(join(work, 'repositories/repo.git'));
  await repository.commit({ 'a.txt': 'one\n', 'dir/b.txt': 'b\n' });
  const git = await startGitHttp(join(work, 'repositories'));
  const web = await startWebServer((request, response) => {
    response.setHeader('etag', '"1"');
    if (request.url === '/gone') response.writeHead(404).end();
    else if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
    else response.end('content\n');
  });
  t.teardown(async () => {
    await git.stop();
    await web.stop();
    removeTree(work);
  });
  return {
    repository,
    web,
    git,
    /** Builds a Dockerfile on nothing, with a file `local` in the context. */
    build: async (lines: string, out = join(work, 'out.tar')) => {
      const context = join(work, 'context');
      mkdirSync(context, { recursive: true });
      writeFileSync(join(context, 'local'), 'local\n');
      writeFileSync(join(context, 'Dockerfile'), `FROM scratch\n${lines}\n`);
      const result = await tsbuild.run(['build', '--progress=plain', '-o', `type=oci,dest=${out}`, context]);
      return { ...result, output: result.stdout + result.stderr, image: () => readImage(out) };
    },
  };
}

testNeeding(['root'], 'ADD puts files of the web and of repositories where it is told', async (t) => {
  const { build, web, git } = await openRoom(t);
  const lines = [
    `ADD --chown=5:6 --chmod=640 ${web.url}/dir/file.txt?x=y /web/`,
    `ADD local ${web.url}/other ${git.url}/repo.git#main:dir /mixed/`,
    `ADD --exclude=dir ${git.url}/repo.git /git`,
  ];
  const first = await build(lines.join('\n'));
  t.is(first.code, 0, first.output);
  const { tree } = first.image();
  t.deepEqual([...tree.keys()].filter((path) => tree.get(path)?.type !== 'directory').sort(), [
    'git/a.txt',
    'mixed/b.txt',
    'mixed/local',
    'mixed/other',
    'web/file.txt',
  ]);
  const file = tree.get('web/file.txt');
  t.deepEqual([file?.uid, file?.gid, (file?.mode ?? 0) & 0o7777], [5, 6, 0o640]);
  t.is((tree.get('mixed/other')?.mode ?? 0) & 0o7777, 0o600);

  const again = await build(lines.join('\n'));
  t.is(again.output.match(/^#\d+ CACHED$/gm)?.length, 7, again.output);
});

testNeeding(['root'], 'a step runs again when the branch has moved, and only then', async (t) => {
  const { build, git, repository } = await openRoom(t);
  const line = `ADD ${git.url}/repo.git#main /git/`;
  await build(line);
  await repository.commit({ 'a.txt': 'two\n' });
  const moved = await build(line);
  t.notRegex(moved.output, /CACHED/);
  t.regex((await build(line)).output, /CACHED/);
});

testNeeding(['root'], 'an error names URL, line and remedy, and no password', async (t) => {
  const { build, web } = await openRoom(t);
  const result = await build(`ADD ${web.url}/gone /`);
  t.is(result.code, 1);
  t.regex(result.output, /\/gone: the server answered 404 Not Found/);
  t.regex(result.output, /Dockerfile:2/);
  t.regex(result.output, /hint: check the URL/);
});

testNeeding(['root'], 'a build that is killed takes git and all that it started along', async (t) => {
  const work = makeTempDir('killed');
  let asked = (): void => {};
  const request = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const silent = await startWebServer(() => asked());
  t.teardown(async () => {
    await silent.stop();
    removeTree(work);
  });
  const url = `${silent.url}/repo.git`;
  const running = (): string[] =>
    readdirSync('/proc').filter((name) => {
      try {
        return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(url);
      } catch {
        return false;
      }
    });
  writeFileSync(join(work, 'Dockerfile'), `FROM scratch\nADD ${url} /\n`);
  const build = spawnBound(TSBUILD, ['build', work], { env: { ...process.env, TSBUILD_ROOT: join(work, 'store') } });
  await request;
  t.true(running().length > 0);
  build.kill('SIGKILL');
  await new Promise((resolve) => build.once('close', resolve));
  for (let tries = 0; tries < 100 && running().length > 0; tries++) await sleep(50);
  t.deepEqual(running(), []);
});
