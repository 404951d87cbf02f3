import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exec, findCommands, tryExec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { startRegistry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, TSBUILD, type Tsbuild } from '../support/tsbuild.ts';

const { after, before } = test;
let tsbuild: Tsbuild;
before(() => {
  tsbuild = openTsbuild();
});
after.always(() => tsbuild.stop());

/** A context with a Dockerfile and a file. */
function makeContext(dockerfile: string): string {
  const folder = makeTempDir('cli');
  writeFileSync(join(folder, 'Dockerfile'), dockerfile);
  writeFileSync(join(folder, 'a.txt'), 'hello\n');
  return folder;
}

test('version, help and mistakes', async (t) => {
  t.regex((await tsbuild.run(['--version'])).stdout, /^tsbuild version \d+\.\d+\.\d+\n$/);
  t.regex((await tsbuild.run([])).stdout, /Usage: tsbuild COMMAND/);
  t.regex((await tsbuild.run(['image', 'ls', '--help'])).stdout, /Usage: tsbuild image ls \[OPTIONS\]/);
  t.regex((await tsbuild.run(['help', 'exit-codes'])).stdout, /125 {2}the command line is wrong/);
  t.regex((await tsbuild.run(['help', 'context'])).stdout, /\n {2}context ls {2}List/);
  const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
    [['buidl', '.'], /unknown command: tsbuild buidl\nhint: did you mean 'tsbuild build'\?/],
    [['build', '--tga', 'x', '.'], /unknown flag: --tga\nhint: did you mean --tag\?/],
    [['build'], /takes 1 argument, and got 0/],
    [['build', '--shm-size', '1g', '.'], /--shm-size 1g is not supported yet/],
    [['build', '--platform', 'linux/amd64,linux/arm64', '.'], /several platforms is not supported yet/],
    [['build', '--build-context', 'x', '.'], /--build-context: it is no pair/],
    [['build', '--progress', 'tty', '.'], /needs a terminal/],
    [['pull', '-a', 'debian'], /--all-tags is not supported yet/],
    [['images', '--format', '{{.Nam}}'], /column 3: there is no field "Nam"/],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await tsbuild.run(args);
    t.regex(stderr, message, args.join(' '));
    t.is(code, 125, args.join(' '));
  }
});

test('what is no mistake of the command line exits 1', async (t) => {
  for (const args of [
    ['inspect', 'missing'],
    ['rmi', 'missing'],
    ['tag', 'missing', 'a'],
    ['build', '/does/not/exist'],
  ])
    t.is((await tsbuild.run(args)).code, 1, args.join(' '));
  t.is((await tsbuild.run(['rmi', '-f', 'missing'])).code, 0);
});

test('builds, names, lists, describes, moves and removes an image', async (t) => {
  const own = openTsbuild();
  const context = makeContext('FROM scratch\nLABEL stage=test\nCOPY a.txt /\nCMD ["/a"]\n');
  t.teardown(() => {
    own.stop();
    removeTree(context);
  });
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await own.run(args);
    t.is(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const iidFile = join(context, 'iid');
  const metadataFile = join(context, 'metadata.json');
  const built = ['build', '-t', 'app:1', '-t', 'app:2', '--iidfile', iidFile, '--metadata-file', metadataFile, context];
  t.is(await run(...built), '');
  const id = readFileSync(iidFile, 'utf8');
  t.regex(id, /^sha256:[0-9a-f]{64}$/);
  const metadata = JSON.parse(readFileSync(metadataFile, 'utf8'));
  t.is(metadata['containerimage.config.digest'], id);
  t.is(metadata['containerimage.digest'], metadata['containerimage.descriptor'].digest);
  t.is(metadata['image.name'], 'docker.io/library/app:1,docker.io/library/app:2');

  t.is(await run('build', '-q', context), `${id}\n`);
  t.is(await run('images', '-q', '--no-trunc', 'app:1'), `${id}\n`);
  t.is(await run('images', '--format', '{{.Repository}}:{{.Tag}}', '-f', 'label=stage=test'), 'app:1\napp:2\n');
  t.is(await run('inspect', '-f', '{{.Id}} {{json .Config.Cmd}} {{.Config.User}}', 'app:1'), `${id} ["/a"] \n`);
  t.is(JSON.parse(await run('image', 'inspect', 'app:1'))[0].Id, id);
  t.regex(await run('history', 'app:1'), /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n.{12} .*CMD \["\/a"\]/);

  await run('tag', 'app:1', 'other/app:3');
  const archive = join(context, 'app.tar');
  await run('save', '-o', archive, 'app:1', 'other/app:3');
  t.regex(await run('rmi', 'app:1', 'app:2', 'other/app:3'), /^Untagged: app:1\n.*Deleted: sha256:/s);
  t.is(await run('images', '-q'), '');
  t.deepEqual((await run('load', '-q', '-i', archive)).split('\n').sort(), [
    '',
    'Loaded image: app:1',
    'Loaded image: other/app:3',
  ]);
});

testNeeding(['docker-registry'], 'pushes to a registry and pulls from it, in words of docker', async (t) => {
  const registry = await startRegistry();
  const [own, other] = [openTsbuild(), openTsbuild()];
  const context = makeContext('FROM scratch\nCOPY a.txt /\n');
  t.teardown(async () => {
    own.stop();
    other.stop();
    removeTree(context);
    await registry.stop();
  });
  const name = `${registry.host}/app`;
  const built = await own.run(['build', '-t', `${name}:1`, '--push', context]);
  t.is(built.code, 0, built.stderr);
  await own.run(['tag', `${name}:1`, `${name}:2`]);
  const pushed = await own.run(['push', '-a', name]);
  t.regex(pushed.stdout, /^(?:[12]: digest: sha256:[0-9a-f]{64} size: \d+\n){2}$/, pushed.stderr);
  t.is((await own.run(['push', '-q', `${name}:1`])).stdout, `${name}:1\n`);

  const pulled = await other.run(['pull', `${name}:2`]);
  t.regex(pulled.stdout, /^Digest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image for .*\/app:2\n.*\/app:2\n$/);
  t.regex(pulled.stderr, /^#1 pulling .*\/app:2\n(#1 .*\n)*#1 sha256:[0-9a-f]{64} \d+B \/ \d+B .*done\n/);
  t.regex((await other.run(['pull', `${name}:2`])).stdout, /Status: Image is up to date for/);
  t.is((await other.run(['pull', '-q', `${name}:1`])).stdout, `${name}:1\n`);
  t.is((await other.run(['images', '-q'])).stdout, (await own.run(['images', '-q'])).stdout);
  const missing = await other.run(['pull', `${name}:none`]);
  t.is(missing.code, 1);
  t.regex(missing.stderr, /ERROR: /);
});

test('a Dockerfile from standard input, with a context and without', async (t) => {
  const context = makeContext('not this one');
  t.teardown(() => removeTree(context));
  const withContext = await tsbuild.run(['build', '-q', '-f', '-', context], { input: 'FROM scratch\nCOPY a.txt /\n' });
  t.regex(withContext.stdout, /^sha256:/, withContext.stderr);
  const alone = await tsbuild.run(['build', '-q', '-'], { input: 'FROM scratch\nENV A=1\n' });
  t.regex(alone.stdout, /^sha256:/, alone.stderr);
  const { stdout: tar } = await exec('tar', ['-C', context, '-cf', '-', 'a.txt']);
  const archive = await tsbuild.run(['build', '-f', '-', context], { input: tar });
  t.is(archive.code, 125);
  t.regex(archive.stderr, /standard input is an archive, not a Dockerfile\nhint: give "-" as the context/);
});

test('outputs to a folder and to standard output', async (t) => {
  const context = makeContext('FROM scratch\nCOPY a.txt /dir/\n');
  t.teardown(() => removeTree(context));
  const folder = await tsbuild.run(['build', '-o', join(context, 'out'), context]);
  t.is(folder.code, 0, folder.stderr);
  t.is(readFileSync(join(context, 'out/dir/a.txt'), 'utf8'), 'hello\n');
  const tar = await exec('sh', ['-c', '"$0" build -o - "$1" | tar -tf -', TSBUILD, context], { env: tsbuild.env });
  t.true(tar.stdout.split('\n').includes('dir/a.txt'), tar.stdout);
});

test('an error in a Dockerfile shows its place', async (t) => {
  const context = makeContext('FROM scratch\nRUNN x\n');
  t.teardown(() => removeTree(context));
  const { code, stderr } = await tsbuild.run(['build', '--progress', 'plain', context]);
  t.is(code, 1);
  t.regex(stderr, /Dockerfile:2:1\n.*> 2 \| RUNN x\n +\| \^+\n/s);
  t.regex(stderr, /ERROR: .*RUNN/);
  t.notRegex(stderr, /\n +at /);
  t.regex((await tsbuild.run(['build', '-D', context])).stderr, /\n +at /, '--debug shows where it comes from');
});

test('rawjson is a line of JSON for each event, and nothing else is on standard error', async (t) => {
  const context = makeContext('FROM scratch\nCOPY a.txt /\n');
  t.teardown(() => removeTree(context));
  const { stderr } = await tsbuild.run(['build', '--progress=rawjson', context]);
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.true(
    events.some((event) => event.vertexes?.some((vertex: { name: string }) => vertex.name.includes('COPY a.txt /'))),
  );
});

test('who reads no further ends the command quietly', async (t) => {
  const { stdout, stderr } = await exec('sh', ['-c', '{ "$0" help build; echo "code $?" >&2; } | head -n 1', TSBUILD], {
    env: tsbuild.env,
  });
  t.is(stdout.split('\n').length, 2);
  t.regex(stderr, /^code (0|141)\n$/);
});

const BUSYBOX_RUN = (command: string): string =>
  `FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "${command}"]\n`;

testNeeding(['root', 'busybox'], 'Ctrl-C and SIGTERM stop every step at once', async (t) => {
  const context = makeContext(BUSYBOX_RUN('echo started; exec /bin/busybox sleep 4321'));
  t.teardown(() => removeTree(context));
  await exec('cp', ['-L', findCommands('busybox')[0] ?? '', join(context, 'busybox')]);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const child = spawn(TSBUILD, ['build', '--progress=plain', context], {
      env: tsbuild.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (/ started\n/.test(log) && !child.killed) child.kill(signal);
    });
    const sentAt = Date.now();
    const [exitCode] = await once(child, 'close');
    t.is(exitCode, code, log);
    t.regex(log, /CANCELED\n/);
    t.true(Date.now() - sentAt < 20_000);
    t.not((await tryExec('pgrep', ['-f', 'busybox sleep 4321'])).code, 0, 'nothing of the step is left');
  }
});

testNeeding(['root', 'busybox'], 'a step that fails says so once, with its output and its log', async (t) => {
  const context = makeContext(BUSYBOX_RUN('echo first; echo boom >&2; exit 3'));
  t.teardown(() => removeTree(context));
  await exec('cp', ['-L', findCommands('busybox')[0] ?? '', join(context, 'busybox')]);
  const { code, stderr } = await tsbuild.run(['build', '--progress=plain', context]);
  t.is(code, 1);
  t.regex(stderr, /^#\d+ \[2\/2\] RUN .*\n#\d+ \d\.\d{3} first\n#\d+ \d\.\d{3} boom\n#\d+ ERROR: .*exit code: 3\n/m);
  t.regex(stderr, /^------\n > \[2\/2\] RUN .*:\n\d\.\d{3} first\n\d\.\d{3} boom\n------\n/m);
  t.regex(stderr, /^ERROR: .*exit code: 3$/m);
  const log = /^log: (.*)$/m.exec(stderr)?.[1] ?? '';
  t.true(existsSync(log), log);
  t.regex(readFileSync(log, 'utf8'), /boom/);
});

testNeeding(
  ['root', 'busybox'],
  'a quiet build shows the end of what the failed step printed, and nothing else',
  async (t) => {
    const context = makeContext(
      BUSYBOX_RUN(
        "for i in $(/bin/busybox seq 30); do echo line $i; done; printf '\\\\033]0;title\\\\007boom'; exit 3",
      ),
    );
    t.teardown(() => removeTree(context));
    await exec('cp', ['-L', findCommands('busybox')[0] ?? '', join(context, 'busybox')]);
    for (const flag of ['-q', '--progress=quiet', '--progress=none']) {
      const { code, stdout, stderr } = await tsbuild.run(['build', flag, context]);
      t.is(code, 1);
      t.is(stdout, '');
      t.regex(
        stderr,
        /^------\n > \[2\/2\] RUN .*:\nline 12\n(?:line \d+\n)+line 30\nboom\n------\n.*Dockerfile:3:1\n/,
        flag,
      );
      t.is(stderr.match(/^boom$/gm)?.length, 1);
    }
  },
);

test('completion scripts are sound, and bash completes commands, flags and choices', async (t) => {
  const folder = makeTempDir('completion');
  t.teardown(() => removeTree(folder));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, code } = await tsbuild.run(['completion', shell]);
    t.is(code, 0);
    const path = join(folder, shell);
    writeFileSync(path, stdout);
    // Where the shell is installed, it reads its script.
    if (findCommands(shell).length > 0) await exec(shell, ['-n', path]);
  }
  const complete = async (...words: string[]): Promise<string[]> => {
    const script = `source ${folder}/bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tsbuild; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await exec('bash', ['-c', script, 'bash', ...words]);
    return stdout.trimEnd().split('\n');
  };
  t.deepEqual(await complete('tsbuild', 'bui'), ['build', 'builder', 'buildx', 'builds']);
  t.deepEqual(await complete('tsbuild', 'image', 'in'), ['inspect']);
  t.deepEqual(await complete('tsbuild', 'build', '--pu'), [
    '--pull',
    '--pull=always',
    '--pull=missing',
    '--pull=newer',
    '--pull=never',
    '--push',
  ]);
  t.deepEqual(await complete('tsbuild', 'image', 'build', '--progress', 'pl'), ['plain']);
  t.deepEqual(await complete('tsbuild', 'buildx', 'hi'), ['history']);
  t.deepEqual(await complete('tsbuild', 'buildx', 'history', 'i'), ['inspect']);
  t.deepEqual(await complete('tsbuild', 'buildx', 'history', 'ls', '--l'), ['--local']);
  t.deepEqual(await complete('tsbuild', '-D', '--root', '/x', 'save', '--format', ''), ['docker', 'oci']);
});
