// What a build reads of its context, and what it says of what it cannot find there. Nothing here needs a base image.
import { symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { exec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, type Tsbuild } from '../support/tsbuild.ts';
import { outputOf } from './setting.ts';

interface Context {
  readonly folder: string;
  readonly tsbuild: Tsbuild;
  /** Builds a Dockerfile that lies beside the context. */
  readonly build: (dockerfile: string) => Promise<string>;
}

function makeContext(t: ExecutionContext, files: Readonly<Record<string, string>>): Context {
  const work = makeTempDir('context');
  t.teardown(() => removeTree(work));
  const folder = join(work, 'context');
  writeFiles(folder, files);
  const tsbuild = openTsbuild(join(work, 'store'));
  return {
    folder,
    tsbuild,
    build: async (dockerfile) => {
      writeFileSync(join(work, 'Dockerfile'), dockerfile);
      return outputOf(await tsbuild.run(['build', '--progress=plain', '-f', join(work, 'Dockerfile'), folder]));
    },
  };
}

const FILES = {
  '.dockerignore': '# generated\n\n  *.js\nignored\npart/*.log\n!keep.js\n',
  'app.js': 'a',
  'keep.js': 'k',
  'src/other.ts': 'o',
  'Main.c': 'm',
  'ignored/x': 'x',
  'part/y.log': 'yy',
};

testNeeding(['root'], 'a source that is not there: why, or what was meant', async (t) => {
  const { folder, build } = makeContext(t, FILES);
  writeFileSync(join(dirname(folder), 'above.txt'), '');
  const stage = 'FROM scratch AS made\nCOPY src /out\nFROM scratch\n';
  const cases: readonly (readonly [dockerfile: string, says: RegExp])[] = [
    ['FROM scratch\nCOPY app.js /\n', /"app\.js" is excluded by \.dockerignore line 3: \*\.js/],
    ['FROM scratch\nCOPY ignored /\n', /"ignored" is excluded by \.dockerignore line 4: ignored/],
    ['FROM scratch\nCOPY ignored/x /\n', /"ignored\/x" is excluded by \.dockerignore line 4: ignored/],
    ['FROM scratch\nCOPY --parents ignored/x /\n', /"ignored\/x" is excluded by \.dockerignore line 4/],
    ['FROM scratch\nCOPY other.ts /\n', /did you mean "src\/other\.ts"\?/],
    ['FROM scratch\nCOPY scr/other.ts /\n', /did you mean "src\/other\.ts"\?/],
    ['FROM scratch\nCOPY main.c /\n', /did you mean "Main\.c"\?/],
    ['FROM scratch\nCOPY ../above.txt /\n', /above\.txt lies above the build context/],
    ['FROM scratch\nCOPY *.jsx /\nCOPY a*.js /\n', /"\/a\*\.js" gives no file: "app\.js" is excluded by .* line 3/],
    ['FROM scratch\nCOPY Main.c srcs/*.ts /x/\n', /"\/srcs": not found[\s\S]*did you mean "src"\?/],
    ['FROM scratch\nCOPY Main.c ignored/* /x/\n', /"ignored" is excluded by \.dockerignore line 4/],
    ['FROM scratch\nCOPY part /p/\n', /"\/part" gives no file: "part\/y\.log" is excluded by .* line 5/],
    [`${stage}COPY --from=made /out/othr.ts /\n`, /not found in stage "made"[\s\S]*did you mean "\/out\/other\.ts"\?/],
    [
      'FROM scratch\nCOPY src /\nRUN --mount=type=bind,source=app.js,target=/x ["/x"]\n',
      /"app\.js" is excluded by \.dockerignore line 3/,
    ],
  ];
  for (const [dockerfile, says] of cases) t.regex(await build(dockerfile), says, dockerfile);
});

testNeeding(
  ['root'],
  'only what steps need is read: a pipe beside it would block, a tree too deep would fail',
  async (t) => {
    const { folder, build, tsbuild } = makeContext(t, { 'a/file': 'f', 'a/more/x': 'x' });
    await exec('mkfifo', [join(folder, 'pipe')]);
    const deep = 'import os\nos.mkdir("deep"); os.chdir("deep")\nfor i in range(2100):\n  os.mkdir("d"); os.chdir("d")';
    await exec('python3', ['-c', deep], { cwd: folder });
    symlinkSync('/', join(folder, 'root'));
    t.teardown(() => exec('rm', ['-rf', folder]));
    for (const copy of ['COPY a/file /', 'COPY a /', 'COPY --parents a/m*/x /', 'COPY --exclude=deep . /'])
      t.regex(await build(`FROM scratch\n${copy}\n`), /writing image/, copy);
    t.regex(await build('FROM scratch\nCOPY . /\n'), /nested more than|TREE_TOO_DEEP/);
    await exec('rm', ['-rf', join(folder, 'deep')]);
    t.regex((await tsbuild.run(['context', 'ls', folder])).stdout, /^0B +pipe$/m);
  },
);

testNeeding(['root'], 'context ls: what a build sees, largest first, and what it does not', async (t) => {
  const { folder, tsbuild } = makeContext(t, { ...FILES, 'src/big': 'b'.repeat(5000) });
  const list = async (...args: string[]) => (await tsbuild.run(['context', 'ls', ...args, folder])).stdout;
  t.is(
    await list('-q'),
    '.dockerignore\nkeep.js\n'
      .replace('.', 'src/big\n.')
      .replace('keep.js\n', 'Main.c\nkeep.js\nsrc/other.ts\npart/\n'),
  );
  t.regex(await list(), /^SIZE +PATH\n5kB +src\/big\n/);
  t.regex(await list(), /A build sees 5 files, 5\.05kB; \.dockerignore leaves out 3 files, 4B\n$/);
  t.regex(await list('--depth', '1'), /^SIZE +FILES +PATH\n5kB +2 +src\/\n/);
  t.is(
    await list('--ignored', '--format', '{{.Path}} {{.Bytes}} {{.Line}} {{.Pattern}}'),
    'part/y.log 2 5 part/*.log\napp.js 1 3 *.js\nignored/ 1 4 ignored\n',
  );
  t.like(JSON.parse((await list('--format', 'json', '--limit', '1')).trim()), { Path: 'src/big', Bytes: '5000' });
  writeFileSync(join(folder, 'Other'), '');
  writeFileSync(join(folder, 'Other.dockerignore'), '*\n');
  t.is((await tsbuild.run(['context', 'ls', '-q', '-f', join(folder, 'Other'), folder])).stdout, '');
  t.is((await tsbuild.run(['context', 'ls', join(folder, 'none')])).code, 1);
  t.regex((await tsbuild.run(['context', 'ls', 'https://host/a.git'])).stderr, /hint: only a directory can be listed/);
  t.is((await tsbuild.run(['context', 'ls', '-f', join(folder, 'none'), folder])).code, 1);
  t.is((await tsbuild.run(['context', 'ls', '--depth', 'x', folder])).code, 125);
});

testNeeding(['root'], 'an owner whom nobody knows is root, and the step says so', async (t) => {
  const { build } = makeContext(t, { 'etc/passwd': 'node:x:7:7::/:/bin/sh\n', file: 'f' });
  const said = await build('FROM scratch\nCOPY etc /etc\nUSER nod:wheel\nWORKDIR /w\nCOPY --chown=noed file /\n');
  t.regex(said, /#\d+ \S+ warning: no user "nod" in the image's \/etc\/passwd: root owns.*did you mean node\?/);
  t.regex(said, /warning: no group "wheel" in the image, which has no \/etc\/group: the group stays the user's\n/);
  t.regex(said, /- no user "noed" in the image's \/etc\/passwd/);
  t.notRegex(said, /ERROR/);
});
