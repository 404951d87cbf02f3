import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec, tryExec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, TSBUILD, type Tsbuild } from '../support/tsbuild.ts';

/** Mistakes that people make: each is told with what is wrong, where, and what to do. */

interface Setting {
  readonly tsbuild: Tsbuild;
  readonly folder: string;
  /** Runs the command in the folder; answers its exit code and what it said. */
  readonly say: (...args: string[]) => Promise<string>;
}

function makeSetting(t: ExecutionContext, files: Readonly<Record<string, string>>): Setting {
  const tsbuild = openTsbuild();
  const folder = makeTempDir('mistakes');
  t.teardown(() => {
    tsbuild.stop();
    removeTree(folder);
  });
  writeFiles(folder, files);
  return {
    tsbuild,
    folder,
    say: async (...args) => {
      const { code, stderr } = await tsbuild.run(args, { cwd: folder });
      t.notRegex(stderr, /\n +at |Unhandled|\(node:/, args.join(' '));
      return `${code} ${stderr}`;
    },
  };
}

test('a context or a Dockerfile that is not there', async (t) => {
  const { say } = makeSetting(t, {
    'app/Dockerfile': 'FROM scratch',
    'app/prod.Dockerfile': 'FROM scratch',
    'a/x': '',
  });
  t.regex(await say('build', ''), /^1 ERROR: .*"": the path is empty\nhint: .*directory/);
  t.regex(await say('build', 'ap'), /^1 ERROR: .*\/ap: it does not exist\n/);
  t.regex(await say('build', 'a/x'), /^1 ERROR: .*\/a\/x: it is not a directory\n/);
  t.regex(await say('build', '-q', 'a'), /^1 ERROR: there is no Dockerfile at .*\/a\/Dockerfile\nhint: .*-f/);
  t.regex(await say('build', '-q', '-f', 'prod.Dockerfile', 'app'), /\nhint: did you mean -f app\/prod\.Dockerfile\?/);
  t.regex(
    await say('build', '-q', '-f', 'none', 'app'),
    /\nhint: the path after -f is taken from the working directory/,
  );
  t.regex(await say('build', '-q', '-f', 'app', 'app'), /^1 ERROR: cannot read the Dockerfile .*: it is a directory\n/);
});

test('files of the result that cannot be written are told before the build', async (t) => {
  const { say, folder } = makeSetting(t, { Dockerfile: 'FROM scratch\nRUN never\n' });
  for (const flag of ['--iidfile', '--metadata-file'])
    t.regex(
      await say('build', flag, 'no/x', '.'),
      new RegExp(`^1 ERROR: cannot write the file of ${flag}, no/x: .*\nhint: its directory does not exist\n$`),
    );
  t.regex(
    await say('save', '-o', 'no/x', 'a'),
    /^1 ERROR: cannot write the file of -o, no\/x: .*\nhint: its directory/,
  );
  t.false(existsSync(join(folder, 'no')));
});

testNeeding(['root'], 'what is no archive of cache mounts is told as that', async (t) => {
  const { say } = makeSetting(t, { 'x.tar': 'no archive' });
  t.regex(
    await say('cache-mount', 'import', 'x.tar'),
    /^1 ERROR: .*x\.tar is not an exported cache mount: .*\nhint: name a place that tsbuild cache-mount export wrote to\n$/,
  );
});

test('a root that is none, and a file to read that is not there', async (t) => {
  const { say, folder } = makeSetting(t, { file: '' });
  t.regex(await say('--root=', 'images'), /^125 ERROR: --root needs a directory\n/);
  t.regex(await say('images', '--root', ''), /^125 ERROR: --root needs a directory\n/);
  for (const args of [['images'], ['prune', '-f'], ['rmi', 'x'], ['fsck']])
    t.regex(await say(...args, '--root', 'file'), /^1 ERROR: cannot open the store .*\/file: it is no directory\n/);
  t.regex(await say('load', '-i', 'none'), /^1 ERROR: cannot read the file of -i, none: it does not exist\nhint: /);
  t.regex(await say('load', '-i', folder), /^1 ERROR: cannot read the file of -i, .*: it is a directory\n/);
});

test('a command of docker that has nothing to do here says what has', async (t) => {
  const { say } = makeSetting(t, {});
  for (const [args, hint] of [
    ['run app', /runs no containers/],
    ['container ls', /runs no containers/],
    ['login', /credentials are docker's/],
    ['rm x', /tsbuild rmi/],
    ['logs x', /tsbuild builds logs/],
    ['info', /tsbuild system df/],
    ['context use x', /no daemons/],
    ['buildx imagetools inspect x', /tsbuild inspect/],
    ['buildx create', /no builders/],
  ] as const) {
    const said = await say(...args.split(' '));
    t.regex(said, /^125 ERROR: unknown command: tsbuild /, args);
    t.regex(said, hint, args);
  }
  t.regex(await say('prune', '--filter', 'x=y'), /^125 ERROR: invalid filter "x=y"/);
});

test('help of a command by any of its names', async (t) => {
  const { tsbuild } = makeSetting(t, {});
  for (const [name, shown] of [
    ['builds inspect attachment', 'builds attachment'],
    ['buildx history ls', 'builds ls'],
    ['image rm', 'image rm'],
    ['system df', 'system df'],
  ] as const)
    t.true((await tsbuild.run(['help', ...name.split(' ')])).stdout.startsWith(`Usage: tsbuild ${shown} `), name);
  t.regex((await tsbuild.run(['version', '--format', ''])).stdout, /^tsbuild: /);
});

testNeeding(['root'], 'results that are lost on the way are a failure', async (t) => {
  const { say, tsbuild, folder } = makeSetting(t, { Dockerfile: 'FROM scratch\n' });
  t.regex(await say('build', '-q', '.'), /^0 $/);
  for (const args of [['images'], ['--help'], ['build', '-q', '.']]) {
    const { code, stderr } = await tryExec('sh', ['-c', '"$0" "$@" > /dev/full', TSBUILD, ...args], {
      env: tsbuild.env,
      cwd: folder,
    });
    t.is(code, 1, args.join(' '));
    t.regex(stderr, /^ERROR: cannot write to standard output: ENOSPC/m, args.join(' '));
  }
  t.regex(await say('build', '-q', '-t', 'lost', '.'), /^0 $/);
  t.regex(
    await say('save', '-o', '/dev/full', 'lost'),
    /^1 ERROR: cannot write the file of -o, \/dev\/full: ENOSPC.*\nhint: the disk is full/,
  );
});

testNeeding(['root'], 'an output that nobody reads any more ends as other results do', async (t) => {
  const { tsbuild, folder } = makeSetting(t, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
  // The reader is gone before the build begins.
  const script = 'mkfifo go; { read _ < go; "$0" "$@"; echo "code $?" >&2; } | { exec 0<&-; echo > go; }';
  for (const output of ['-', 'type=docker,dest=-', 'type=oci,dest=-']) {
    const args = ['-c', `rm -f go; ${script}`, TSBUILD, 'build', '-q', '-o', output, folder];
    const { stderr } = await tryExec('sh', args, { env: tsbuild.env, cwd: folder });
    t.is(stderr, 'code 141\n', output);
  }
});

test('a root where no directory can be made ends at once', async (t) => {
  const { tsbuild } = makeSetting(t, {});
  const { code, stderr } = await tryExec(
    'timeout',
    ['-s', 'KILL', '20', TSBUILD, 'load', '-i', '/dev/null', '--root', '/proc/x/y'],
    {
      env: tsbuild.env,
    },
  );
  t.is(code, 1);
  t.regex(stderr, /^ERROR: cannot open the store \/proc\/x\/y: ENOENT/);
});

testNeeding(['root'], 'an output where no directory can be made ends at once', async (t) => {
  const { tsbuild, folder } = makeSetting(t, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' });
  const { code, stderr } = await tryExec(
    'timeout',
    ['-s', 'KILL', '20', TSBUILD, 'build', '-q', '-o', '/proc/x/y', folder],
    {
      env: tsbuild.env,
    },
  );
  t.is(code, 1);
  t.regex(stderr, /^ERROR: cannot write \/proc\/x\/y: ENOENT/m);
});

testNeeding(['root', 'setpriv'], 'who is not root is told so, before anything is read', async (t) => {
  const { folder } = makeSetting(t, { Dockerfile: 'FROM scratch\n' });
  await exec('chmod', ['0755', folder]);
  const { code, stderr } = await tryExec(
    'setpriv',
    ['--reuid=65534', '--regid=65534', '--clear-groups', TSBUILD, 'build', '--root', '/nonexistent', folder],
    {},
  );
  t.is(code, 1);
  t.regex(stderr, /^ERROR: building needs root, and this process is user 65534\nhint: run it with sudo/);
  await exec('mkdir', ['-m', '0700', `${folder}/closed`]);
  for (const command of ['images', 'fsck']) {
    const closed = await tryExec(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', TSBUILD, command, '--root', `${folder}/closed`],
      {},
    );
    t.is(closed.code, 1, command);
    t.regex(closed.stderr, /^ERROR: cannot open the store .*closed: EACCES/);
  }
});

testNeeding(['root'], 'dockerfile in lower case, when there is no Dockerfile', async (t) => {
  const { say, folder } = makeSetting(t, { dockerfile: 'FROM scratch\nENV A=1\n' });
  t.regex(await say('build', '-q', '.'), /^0 /);
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nBAD\n');
  t.regex(await say('build', '-q', '.'), /^1 .*unknown instruction "BAD"/s);
});

testNeeding(['root'], 'a file where a step needs a directory', async (t) => {
  const { say, folder } = makeSetting(t, { file: 'x' });
  symlinkSync('file', join(folder, 'link'));
  for (const step of ['WORKDIR /file', 'WORKDIR /file/x', 'COPY file /file/x', 'COPY file /link/']) {
    writeFileSync(join(folder, 'Dockerfile'), `FROM scratch\nCOPY . /\n${step}\n`);
    const said = await say('build', '-q', '.');
    t.regex(said, /^1 Dockerfile:3:1\n/, step);
    t.regex(said, /ERROR: .*(?:"\/file" is not a directory|non-directory)/, step);
    t.notRegex(said, /openat|ENOTDIR/, step);
  }
});

test('a file that is no Dockerfile is not quoted whole', async (t) => {
  const { say } = makeSetting(t, { Dockerfile: `${'x'.repeat(10_000)}\n` });
  const said = await say('build', '-q', '.');
  t.regex(said, /ERROR: unknown instruction "x{40}…"\n/);
  t.true(said.length < 2000, String(said.length));
});
