import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { exec, findCommands } from '../support/exec.ts';
import { makeRepository, startSshd } from '../support/git-server.ts';
import { testNeeding } from '../support/needs.ts';
import { spawnBound } from '../support/spawn-bound.ts';
import { TSBUILD } from '../support/tsbuild.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, untilStarted } from './setting.ts';

const NEEDS = [...SETTING_NEEDS, 'ssh-keygen', 'ssh-add', 'ssh-agent', 'ssh', 'ldd'];

/** Copies programs of this machine and the libraries that they need into a context, at the paths where they are looked for. */
async function addPrograms(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const program = findCommands(name)[0] ?? name;
    const { stdout } = await exec('ldd', [program]);
    const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
    const wanted = [[program, `/usr/bin/${name}`], ...libraries.map((path) => [path, path])];
    for (const [from = '', to = ''] of wanted) {
      mkdirSync(join(folder, 'tools', dirname(to)), { recursive: true });
      copyFileSync(realpathSync(from), join(folder, 'tools', to));
    }
  }
}

async function makeKey(path: string): Promise<string> {
  await exec('ssh-keygen', ['-q', '-N', '', '-t', 'ed25519', '-C', 'key of a test', '-f', path]);
  const { stdout } = await exec('ssh-keygen', ['-l', '-f', path]);
  return stdout.split(' ')[1] ?? '';
}

async function startAgent(t: ExecutionContext, socket: string, key: string): Promise<void> {
  const agent = spawnBound('ssh-agent', ['-D', '-a', socket]);
  t.teardown(() => void agent.kill());
  while (statSync(socket, { throwIfNoEntry: false }) === undefined) await new Promise((done) => setTimeout(done, 20));
  await exec('ssh-add', ['-q', key], { env: { SSH_AUTH_SOCK: socket } });
}

testNeeding(NEEDS, 'ssh-add in a step sees the keys, of an agent and of key files, whoever the user is', async (t) => {
  const { work, context, build } = await makeSetting(t);
  const key = join(work, 'key');
  const fingerprint = await makeKey(key);
  const socket = join(work, 'agent');
  await startAgent(t, socket, key);
  const ask = 'stat -c %a:%u:%g:%F "$SSH_AUTH_SOCK" && ssh-add -l';
  const dockerfile = `${FROM_BUSYBOX}COPY tools/ /
RUN --mount=type=ssh ${ask}
RUN --mount=type=ssh,target=/run/elsewhere test "$SSH_AUTH_SOCK" = /run/elsewhere && ${ask}
RUN echo 'app:x:1000:1000::/:/bin/sh' >>/etc/passwd
USER 1000:1000
RUN --mount=type=ssh,uid=1000,gid=1001,mode=0640 ${ask}
RUN --mount=type=ssh,mode=0666 ${ask}
RUN --mount=type=ssh if ssh-add -l; then exit 1; fi
`;
  const folder = context({ Dockerfile: dockerfile });
  await addPrograms(folder, ['ssh-add']);
  for (const source of [socket, key]) {
    const built = await build(folder, 'a', '--no-cache', `--ssh=default=${source}`);
    t.is(built.code, 0, outputOf(built));
    const lines = outputOf(built).split('\n');
    const count = (text: string): number => lines.filter((line) => line.includes(text)).length;
    t.is(count(`256 ${fingerprint} key of a test (ED25519)`), 4, outputOf(built));
    t.is(count(' 600:0:0:socket'), 2);
    t.is(count(' 640:1000:1001:socket'), 1);
    t.is(count(' 666:0:0:socket'), 1);
    // The socket of root is closed to another user.
    t.is(count('Permission denied'), 1);
  }
});

testNeeding([...NEEDS, 'git', 'sshd'], 'git in a step clones over ssh with the agent', async (t) => {
  const { work, context, build } = await makeSetting(t);
  const sshd = await startSshd(join(work, 'ssh'));
  t.teardown(() => sshd.stop());
  const repository = await makeRepository(join(work, 'repository'));
  const commit = await repository.commit({ file: 'cloned\n' });
  const dockerfile = `${FROM_BUSYBOX}COPY tools/ /
RUN echo 'root:x:0:0::/root:/bin/sh' >/etc/passwd
ENV GIT_SSH_COMMAND="ssh -o StrictHostKeyChecking=no"
RUN --network=host --mount=type=ssh git clone ${sshd.url}${repository.path} /clone && cat /clone/file /clone/.git/refs/heads/main
`;
  const folder = context({ Dockerfile: dockerfile });
  await addPrograms(folder, ['git', 'ssh']);
  const built = await build(folder, 'a', '--allow=network.host', `--ssh=default=${sshd.key}`);
  t.is(built.code, 0, outputOf(built));
  t.regex(outputOf(built), new RegExp(`cloned\\n[^\\n]* ${commit}\\n`));
});

testNeeding(NEEDS, 'a step with a secret leaves no core dump, nor does tsbuild while it has one', async (t) => {
  const { work, context, tsbuild, registry, build } = await makeSetting(t);
  const crash = `RUN --mount=type=secret,id=s,env=S ulimit -Hc | tee /limit; (ulimit -c unlimited) 2>&1 && exit 1; \\
  sh -c 'kill -SEGV $$'; test $? = 139 && test "$(cat /limit)" -le 1 && ! ls /core*\n`;
  const crashing = context({ Dockerfile: `${FROM_BUSYBOX}WORKDIR /\n${crash}` }, 'crash');
  const env = { SECRET_VALUE: 'something secret' };
  const crashed = await build(crashing, 'a', '--secret=id=s,env=PATH');
  t.is(crashed.code, 0, outputOf(crashed));

  // What /proc shows of a process that leaves no core dump belongs to root and root's group, whatever its own group is.
  const groupOf = async (...flags: string[]): Promise<number> => {
    const folder = context({ Dockerfile: `${FROM_BUSYBOX}RUN echo started; sleep 300\n` }, 'sleep');
    const args = ['--regid=1234', '--clear-groups', '--pdeathsig=KILL', '--', TSBUILD, 'build', '--progress=plain'];
    const child = spawn('setpriv', [...args, `--build-arg=REGISTRY=${registry.host}`, ...flags, folder], {
      env: { ...tsbuild.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await untilStarted(child);
    const { gid } = statSync(`/proc/${child.pid}/environ`);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    return gid;
  };
  t.is(await groupOf(), 1234);
  t.is(await groupOf('--secret=id=s,env=SECRET_VALUE'), 0);
  const key = join(work, 'key');
  await makeKey(key);
  t.is(await groupOf(`--ssh=default=${key}`), 0);
});
