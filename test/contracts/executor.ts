import { createHash } from 'node:crypto';
import { chmodSync, chownSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { RootMount } from '../../src/oci/index.ts';
import type { Executor, ExitStatus, ProcessSpec } from '../../src/runtime/index.ts';
import { defaultSpec } from '../runtime/fixture.ts';
import { testNeeding } from '../support/needs.ts';

/** What a suite needs of an executor's surroundings. */
export interface ExecutorFixture {
  readonly executor: Executor;
  /** A fresh writable root with a busybox shell in /bin. */
  makeRoot(): RootMount;
  /** A directory with the given files, to be mounted. */
  makeTree(entries: Readonly<Record<string, string>>): string;
  /** What runs left in a root of `makeRoot`, without directories that it had before. */
  listChanges(root: RootMount): string[];
}

interface Run extends ExitStatus {
  readonly stdout: string;
  readonly stderr: string;
}

type Sh = (script: string, spec?: Partial<ProcessSpec>) => Promise<Run>;

/** What every executor must do. `open` is called once, in the first test. */
export function testExecutor(name: string, open: () => Promise<ExecutorFixture>): void {
  let fixture: Promise<ExecutorFixture> | undefined;
  const testRun = (
    title: string,
    run: (t: ExecutionContext, sh: Sh, fixture: ExecutorFixture) => Promise<void>,
  ): void =>
    testNeeding(['root', 'busybox'], `${name}: ${title}`, async (t) => {
      fixture ??= open();
      const opened = await fixture;
      const sh: Sh = (script, spec = {}) => runIn(opened, { args: ['/bin/sh', '-c', script], ...spec });
      await run(t, sh, opened);
    });

  testRun('gives the exit code, and keeps stdout and stderr apart', async (t, sh) => {
    const run = await sh('echo out; echo err >&2; exit 3');
    t.like(run, { code: 3, signal: undefined, oomKilled: false, stdout: 'out\n', stderr: 'err\n' });
    t.is((await sh('exit 255')).code, 255);
    t.is((await sh('true')).code, 0);
  });

  testRun('names the signal that ended the process', async (t, sh) => {
    // The program is process 1, which shrugs off signals from inside, but not a fault of its own.
    t.is((await sh('sh -c "kill -9 \\$\\$"; exit $?')).code, 137);
    const run = await sh('ulimit -c 0; ulimit -t 1; while :; do :; done');
    t.like(run, { code: 137, signal: 'SIGKILL' });
  });

  testRun('a program that is not there is 127, one that cannot be run 126', async (t, sh, opened) => {
    const missing = await runIn(opened, { args: ['nosuch', 'x'], env: ['PATH=/bin'] });
    t.is(missing.code, 127);
    t.regex(missing.stderr, /"nosuch": not found in PATH \(\/bin\)/);
    t.is((await runIn(opened, { args: ['/nosuch'] })).code, 127);
    const folder = await runIn(opened, { args: ['/bin'] });
    t.is(folder.code, 126);
    t.regex(folder.stderr, /\/bin is a directory/);
    const tree = opened.makeTree({ 'plain.txt': 'x', 'loader.sh': '#!/no/such/interpreter\n', 'text.sh': 'echo hi\n' });
    const mounts = [
      { type: 'tree', target: '/t', tree: { lowers: [], upper: tree }, selector: '', readonly: false },
    ] as const;
    t.is((await runIn(opened, { args: ['/t/plain.txt'], mounts })).code, 126);
    t.is((await sh('chmod 755 /t/*; exec /t/loader.sh', { mounts })).code, 127);
    const loader = await runIn(opened, { args: ['/t/loader.sh'], mounts });
    t.is(loader.code, 127);
    t.regex(loader.stderr, /interpreter or loader/);
    const script = await runIn(opened, { args: ['/t/text.sh'], mounts });
    t.is(script.code, 126);
    t.regex(script.stderr, /another architecture, or is a script without #!/);
  });

  testRun('the program is process 1, sees no other, and what it leaves behind is killed', async (t, sh) => {
    t.is((await sh('echo $$ /proc/[0-9]*')).stdout, '1 /proc/1\n');
    const started = Date.now();
    t.is((await sh('(trap "" HUP TERM; sleep 100) & setsid sh -c "sleep 100 & sleep 100" & exit 5')).code, 5);
    t.true(Date.now() - started < 60_000, 'nobody waited for what sleeps');
  });

  testRun('passes arguments and environment as they are; adds PATH and HOME', async (t, sh, opened) => {
    const odd = ['a b', '', '$HOME', 'ünï', '\n', '"'];
    const echoed = await runIn(opened, { args: ['/bin/sh', '-c', 'printf "<%s>" "$@"', 'sh', ...odd] });
    t.is(echoed.stdout, odd.map((arg) => `<${arg}>`).join(''));
    t.is(
      (await sh('echo "$HOME $PATH"')).stdout,
      '/root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n',
    );
    t.is((await sh('echo "$HOME"', { env: ['HOME='] })).stdout, '/root\n');
    t.is((await sh('echo "$HOME $PATH $A"', { env: ['HOME=/h', 'PATH=/p:/bin', 'A=b=c'] })).stdout, '/h /p:/bin b=c\n');
    t.is((await sh('tr "\\0" "\\n" < /proc/1/environ | cut -d= -f1 | sort')).stdout, 'HOME\nPATH\n');
  });

  testRun('stdin is empty', async (t, sh) => {
    t.is((await sh('cat; echo end')).stdout, 'end\n');
  });

  testRun('makes a missing working directory, owned by the user', async (t, sh) => {
    const spec = { cwd: '/made/for/me', user: '1000:1001' };
    t.is((await sh('pwd; stat -c "%a %u:%g" . ..', spec)).stdout, '/made/for/me\n755 1000:1001\n755 1000:1001\n');
  });

  testRun('writes land in the upper directory, with umask 022', async (t, sh, opened) => {
    const root = opened.makeRoot();
    await sh('umask; echo hi > /new; mkdir /d; rm /etc/group', { root });
    t.is(
      (await sh('cat /new; stat -c %a /new /d; ls /etc', { root })).stdout,
      'hi\n644\n755\nhosts\npasswd\nresolv.conf\n',
    );
  });

  testRun('a root without an upper is read-only', async (t, sh, opened) => {
    const run = await sh('echo x > /new', { root: { lowers: [...opened.makeRoot().lowers] } });
    t.is(run.code, 1);
    t.regex(run.stderr, /Read-only file system/);
  });

  testRun('mounts trees: whole or part, directory or file, read-only or not', async (t, sh, opened) => {
    const tree = opened.makeTree({ 'dir/sub/a': 'A', 'dir/b': 'B', file: 'F', up: '->dir/../../../dir' });
    const mount = (target: string, selector: string, readonly: boolean) =>
      ({ type: 'tree', target, tree: { lowers: [], upper: tree }, selector, readonly }) as const;
    const run = await sh('cat /m/dir/sub/a /sel/b /deep/in/file /up/b; echo x > /ro/new; echo y > /m/made', {
      mounts: [
        mount('/deep/in/file', 'file', true),
        mount('/sel', '/dir', true),
        mount('/ro', 'dir', true),
        mount('/up', 'up', true),
        mount('/m', '', false),
      ],
    });
    t.is(run.stdout, 'ABFB');
    t.regex(run.stderr, /\/ro\/new: Read-only file system/);
    t.is((await sh('cat /m/made', { mounts: [mount('/m', '/', true)] })).stdout, 'y\n');
    await t.throwsAsync(sh('true', { mounts: [mount('/m', 'nosuch', true)] }), {
      message: /nosuch.*source of the mount at \/m/,
    });
  });

  testRun('mounts nested targets outer first, whatever their order', async (t, sh, opened) => {
    const [outer, inner] = [opened.makeTree({ x: 'outer' }), opened.makeTree({ x: 'inner' })];
    const mount = (target: string, upper: string) =>
      ({ type: 'tree', target, tree: { lowers: [], upper }, selector: '', readonly: false }) as const;
    const run = await sh('cat /c/x /c/in/x', { mounts: [mount('/c/in', inner), mount('/c', outer)] });
    t.is(run.stdout, 'outerinner');
  });

  testRun('mounts tmpfs with size and mode', async (t, sh) => {
    const run = await sh('stat -c %a /a /b; df -k /b | tail -n 1 | grep -o "[0-9]*" | head -n 1; echo x > /a/f', {
      mounts: [
        { type: 'tmpfs', target: '/a' },
        { type: 'tmpfs', target: '/b', sizeBytes: 1 << 20, mode: 0o700 },
      ],
    });
    t.is(run.stdout, '1777\n700\n1024\n');
    t.is(run.code, 0);
  });

  testRun('mounts secrets: a file in memory, its mode and owner, gone afterwards', async (t, sh, opened) => {
    const root = opened.makeRoot();
    const secret = (target: string, mode: number, id: number) =>
      ({ type: 'secret', target, content: Buffer.from('s3cret\0\xff', 'latin1'), mode, uid: id, gid: id + 1 }) as const;
    const mounts = [secret('/run/secrets/a', 0o400, 0), secret('/etc/b', 0o4644, 5), secret('/etc/group', 0o600, 7)];
    const script = `stat -c "%a %u:%g %s" /run/secrets/a /etc/b; od -An -c /run/secrets/a
      echo x > /run/secrets/a; chmod 777 /etc/b; rm /etc/b
      grep -E " (/run/secrets/a|/etc/b) " /proc/self/mountinfo | cut -d" " -f6,9 | uniq; ulimit -c; ulimit -Hc`;
    const run = await sh(script, { root, mounts });
    t.deepEqual(run.stdout.split('\n').slice(0, 3), ['400 0:1 8', '644 5:6 8', '   s   3   c   r   e   t  \\0 377']);
    t.regex(run.stdout, /\nro,nosuid,nodev,noexec,relatime (tmpfs|ramfs)\n0\n0\n$/);
    t.is(run.stderr.match(/Read-only file system|busy/g)?.length, 3);
    const after = await sh('ls /run; ls /etc; head -n 1 /etc/group', { root });
    t.is(after.stdout, 'group\nhosts\npasswd\nresolv.conf\nroot:x:0:\n');
    t.deepEqual(opened.listChanges(root), []);
  });

  testRun('a secret is a file: none lies on a directory, and none has another size than its own', async (t, sh) => {
    const secret = { type: 'secret', target: '/etc', content: Buffer.alloc(0), mode: 0o400, uid: 0, gid: 0 } as const;
    await t.throwsAsync(sh('true', { mounts: [secret] }), { message: /has a directory there/ });
    const large = { ...secret, target: '/s', content: Buffer.alloc(500 * 1024, 1) };
    t.is((await sh('wc -c < /s', { mounts: [large] })).stdout, '512000\n');
    const tooLarge = { ...large, content: Buffer.alloc(500 * 1024 + 1) };
    await t.throwsAsync(sh('true', { mounts: [tooLarge] }));
    const many = Array.from({ length: 300 }, (_, i) => ({ ...secret, target: `/many/${i}` }));
    t.is((await sh('ls /many | wc -l', { mounts: many })).stdout, '300\n');
  });

  testRun('secret variables win, may be any bytes, and leave no core dump', async (t, sh) => {
    const variable = (name: string, value: string) => ({ name, value: Buffer.from(value, 'latin1') });
    const run = await sh('printf %s "$TOKEN" | od -An -c; env | grep -c TOKEN; ulimit -c; echo $PATH', {
      env: ['TOKEN=plain', 'PATH=/bin'],
      secretEnv: [variable('TOKEN', 'se=cret\xff\n')],
    });
    t.is(run.stdout, '   s   e   =   c   r   e   t 377  \\n\n1\n0\n/bin\n');
    t.is((await sh('echo $PATH', { secretEnv: [variable('PATH', '/bin:/x')] })).stdout, '/bin:/x\n');
    const refused = await t.throwsAsync(sh('true', { secretEnv: [variable('TOKEN', 's3cret\0')] }));
    t.like(refused, { code: 'INVALID_PROCESS' });
    t.false(JSON.stringify(refused).includes('s3cret') || String(refused?.message).includes('s3cret'));
  });

  testRun('mounts a socket of the host', async (t, sh, opened) => {
    const path = join(opened.makeTree({}), 'socket');
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
    chownSync(path, 1000, 1001);
    const mounts = [{ type: 'socket', target: '/run/agent', path }] as const;
    const run = await sh('stat -c "%F %a %u:%g" /run/agent; test -w /run/agent', { mounts, user: '1000:1001' });
    t.like(run, { code: 0, stdout: 'socket 600 1000:1001\n' });
    t.is((await sh('test -w /run/agent', { mounts, user: '1001' })).code, 1);
    server.close();
  });

  testRun('names the host and its neighbours', async (t, sh) => {
    const run = await sh('hostname; cat /etc/hosts', { hostname: 'box', extraHosts: [{ host: 'db', ip: '10.1.2.3' }] });
    t.is(run.stdout, 'box\n127.0.0.1\tlocalhost box\n::1\tlocalhost ip6-localhost ip6-loopback\n10.1.2.3\tdb\n');
  });

  testRun('network none has only a loopback, which works; host is the host’s', async (t, sh) => {
    t.is(
      (await sh('ls /sys/class/net; ip -o addr | grep -c "inet 127.0.0.1/8"', { network: 'none' })).stdout,
      'lo\n1\n',
    );
    const hosts = (await sh('readlink /proc/self/ns/net')).stdout;
    t.is((await sh('readlink /proc/1/ns/net')).stdout, hosts);
    t.not((await sh('readlink /proc/1/ns/net', { network: 'none' })).stdout, hosts);
  });

  testRun('loses no byte of a long output, in order', async (t, sh) => {
    const run = await sh('seq 1 400000; seq 1 1000 >&2');
    const expected = Array.from({ length: 400_000 }, (_, i) => `${i + 1}\n`).join('');
    t.is(sha256(run.stdout), sha256(expected));
    t.is(run.stderr.split('\n').length, 1001);
  });

  testRun('an abort kills everything at once and rejects with its reason', async (t, _sh, opened) => {
    const reason = new Error('enough');
    const controller = new AbortController();
    let sawOutput = () => {};
    const seen = new Promise<void>((resolve) => {
      sawOutput = resolve;
    });
    const script = 'trap "" TERM INT HUP; setsid sleep 300 & (sleep 300 &) ; echo up; sleep 300';
    const run = opened.executor.run(specOf(opened, { args: ['/bin/sh', '-c', script] }), {
      signal: controller.signal,
      onOutput: sawOutput,
    });
    await seen;
    const started = Date.now();
    controller.abort(reason);
    t.is(await t.throwsAsync(run), reason);
    t.true(Date.now() - started < 60_000, 'nobody waited for what sleeps');
    t.is(
      await t.throwsAsync(opened.executor.run(specOf(opened, {}), { signal: controller.signal, onOutput() {} })),
      reason,
    );
  });

  testRun('an error of the receiver ends the run and comes out of it', async (t, _sh, opened) => {
    const failure = new Error('cannot write the log');
    const run = opened.executor.run(specOf(opened, { args: ['/bin/sh', '-c', 'echo hi; sleep 300'] }), {
      onOutput() {
        throw failure;
      },
    });
    t.is(await t.throwsAsync(run), failure);
  });

  testRun('a hundred at once', async (t, sh) => {
    const runs = await Promise.all(Array.from({ length: 100 }, (_, i) => sh(`echo ${i}; exit ${i}`)));
    t.deepEqual(
      runs.map(({ code, stdout }) => [code, stdout]),
      runs.map((_, i) => [i, `${i}\n`]),
    );
  });
}

function specOf(fixture: ExecutorFixture, spec: Partial<ProcessSpec>): ProcessSpec {
  return { ...defaultSpec(spec.root ?? fixture.makeRoot()), ...spec };
}

async function runIn(fixture: ExecutorFixture, spec: Partial<ProcessSpec>): Promise<Run> {
  const printed = { 1: [] as Uint8Array[], 2: [] as Uint8Array[] };
  const status = await fixture.executor.run(specOf(fixture, spec), {
    onOutput: (stream, chunk) => printed[stream].push(chunk),
  });
  return { ...status, stdout: Buffer.concat(printed[1]).toString(), stderr: Buffer.concat(printed[2]).toString() };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
