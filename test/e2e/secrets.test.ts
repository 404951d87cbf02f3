// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the languages under test
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { spawnBound } from '../support/spawn-bound.ts';
import { TSBUILD } from '../support/tsbuild.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, untilStarted } from './setting.ts';

const NEEDS = [...SETTING_NEEDS, 'ssh-keygen'];

/** The forms of the value that are in the bytes: as it is, in base64, in hexadecimal digits. */
function findLeaks(bytes: Buffer, value: string): string[] {
  const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -2);
  const hex = Buffer.from(value).toString('hex');
  return [value, base64, hex].filter((form) => bytes.includes(form));
}

/** The files below a folder that hold the value, as they are or gunzipped. */
function leakingFiles(folder: string, value: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    if (!entry.isFile()) return [];
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    return findLeaks(bytes, value).length + findLeaks(plain, value).length > 0 ? [path] : [];
  });
}

/** Command lines of all processes, and the environments of ours but for the one that was given the value. */
function leakingProcesses(value: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const read = (name: string): Buffer => {
      try {
        return readFileSync(`/proc/${pid}/${name}`);
      } catch {
        return Buffer.alloc(0);
      }
    };
    const command = read('cmdline');
    const isInit = command.toString().startsWith('tsbuild-init');
    return findLeaks(command, value).length > 0 || (isInit && findLeaks(read('environ'), value).length > 0)
      ? [pid]
      : [];
  });
}

function noLeak(t: ExecutionContext, folder: string, output: string, value: string): void {
  t.deepEqual(leakingFiles(folder, value), []);
  t.deepEqual(findLeaks(Buffer.from(output), value), [], output);
}

testNeeding(NEEDS, 'a secret is in no file, log, output or process list, whatever a step does with it', async (t) => {
  const { work, tsbuild, registry, context } = await makeSetting(t);
  const value = `s3cret${randomBytes(12).toString('hex')}`;
  const env = { SECRET_VALUE: value };
  const run = async (name: string, steps: string, ...flags: string[]) => {
    const folder = context({ Dockerfile: FROM_BUSYBOX + steps }, name);
    const args = ['build', '--progress=plain', `--build-arg=REGISTRY=${registry.host}`, '-t', `${name}:1`];
    return tsbuild.run([...args, '--secret=id=s,env=SECRET_VALUE', ...flags, folder], { env });
  };
  const steps = {
    file: 'RUN --mount=type=secret,id=s cat /run/secrets/s; echo "<$(cat /run/secrets/s)>" >&2; test -s /run/secrets/s\n',
    env: 'RUN --mount=type=secret,id=s,env=TOKEN env; for i in 1 2 3; do printf %s "$TOKEN"; sleep 0.05; done\n',
    pieces:
      'RUN --mount=type=secret,id=s,env=T printf %s "${T%????????}"; sleep 0.2; printf "%s\\n" "${T#${T%????????}}"\n',
    both: 'RUN --mount=type=secret,id=s,env=T,target=/etc/token,mode=0444 test "$(cat /etc/token)" = "$T" && cat /etc/token\n',
  };
  for (const [name, text] of Object.entries(steps)) {
    for (const flags of [[], ['--debug', '--no-cache'], ['--progress=rawjson', '--no-cache']]) {
      const built = await run(name, text, ...flags);
      t.is(built.code, 0, outputOf(built));
      noLeak(t, work, outputOf(built), value);
    }
  }
  const failing = 'RUN --mount=type=secret,id=s cat /run/secrets/s; ls "/$(cat /run/secrets/s)"; exit 3\n';
  for (const flags of [[], ['--debug'], ['--quiet'], ['--progress=rawjson']]) {
    const failed = await run('fails', failing, ...flags);
    t.is(failed.code, 1);
    // As text, or in the base64 of rawjson.
    t.regex(outputOf(failed), /\*\*\*|Kioq/);
    noLeak(t, work, outputOf(failed), value);
  }
  const pushed = await run('pushed', steps.both, '-o', `type=oci,dest=${join(work, 'out.tar')},compression=gzip`);
  t.is(pushed.code, 0, outputOf(pushed));
  noLeak(t, work, outputOf(pushed), value);
});

testNeeding(
  NEEDS,
  'a secret is nowhere after kill -9 in the middle of a step, nor in the processes before',
  async (t) => {
    const { work, tsbuild, registry, context } = await makeSetting(t);
    const value = `s3cret${randomBytes(12).toString('hex')}`;
    const wait =
      'RUN --mount=type=secret,id=s,target=/made/for/it --mount=type=ssh cat /made/for/it; echo; echo started; sleep 300\n';
    const folder = context({ Dockerfile: FROM_BUSYBOX + wait });
    const key = join(work, '..', `tsb-key-${randomBytes(4).toString('hex')}`);
    await exec('ssh-keygen', ['-q', '-N', '', '-t', 'ed25519', '-f', key]);
    t.teardown(() => exec('rm', ['-f', key, `${key}.pub`]).then(() => {}));
    const keyBody = readFileSync(key, 'utf8').split('\n')[3] ?? '';
    const flags = ['--progress=plain', '--secret=id=s,env=SECRET_VALUE', `--ssh=default=${key}`];
    const child = spawnBound(TSBUILD, ['build', ...flags, `--build-arg=REGISTRY=${registry.host}`, folder], {
      env: { ...tsbuild.env, SECRET_VALUE: value },
    });
    const { said } = await untilStarted(child);
    t.deepEqual(leakingProcesses(value), []);
    t.is(readdirSync(join(tsbuild.root, 'agents')).length, 1);
    child.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 500));
    noLeak(t, work, said(), value);
    noLeak(t, work, said(), keyBody);
    const next = await tsbuild.run([
      'build',
      '--progress=plain',
      context({ Dockerfile: 'FROM scratch\nLABEL a=b\n' }, 'next'),
    ]);
    t.is(next.code, 0, outputOf(next));
    t.deepEqual(readdirSync(join(tsbuild.root, 'agents')), [], 'the socket is swept');
    noLeak(t, work, outputOf(next), value);
  },
);

testNeeding(NEEDS, 'another value of a secret runs no step again', async (t) => {
  const { context, build, work } = await makeSetting(t);
  const folder = context({ Dockerfile: `${FROM_BUSYBOX}RUN --mount=type=secret,id=s cat /run/secrets/s\n` });
  const file = join(work, 'value');
  writeFileSync(file, 'one value\n');
  t.is((await build(folder, 'a', `--secret=id=s,src=${file}`)).code, 0);
  writeFileSync(file, 'another value\n');
  const again = await build(folder, 'a', `--secret=id=s,src=${file}`);
  t.regex(outputOf(again), /RUN --mount=type=secret,id=s cat \/run\/secrets\/s\n#\d+ CACHED/);
});

testNeeding(
  NEEDS,
  'a required secret or agent is missed by the step that runs, not by one that is cached',
  async (t) => {
    const { context, build, work } = await makeSetting(t);
    const [value, key] = [join(work, 'value'), join(work, 'key')];
    writeFileSync(value, 'some value\n');
    await exec('ssh-keygen', ['-q', '-N', '', '-t', 'ed25519', '-f', key]);
    const trials = [
      {
        type: 'secret,id=s',
        flag: `--secret=id=s,src=${value}`,
        told: /given no secret "s"[\s\S]*--secret id=s,src=<file>/,
      },
      { type: 'ssh', flag: `--ssh=default=${key}`, told: /given no ssh agent "default"[\s\S]*--ssh default/ },
    ];
    for (const [index, { type, flag, told }] of trials.entries()) {
      const steps = `RUN echo ${index} >/ran\nRUN --mount=type=${type},required true\n`;
      const folder = context({ Dockerfile: FROM_BUSYBOX + steps }, `required-${index}`);
      const missed = await build(folder, 'a');
      t.is(missed.code, 1);
      t.regex(outputOf(missed), told);
      t.regex(outputOf(missed), /Dockerfile:4/);
      t.regex(outputOf(missed), / 2\/3\] RUN echo \d >\/ran\n#\d+ DONE/, 'the step before it ran');
      t.is((await build(folder, 'a', flag)).code, 0);
      const cached = await build(folder, 'a');
      t.is(cached.code, 0, outputOf(cached));
      t.regex(outputOf(cached), / 3\/3\] RUN --mount=[^\n]*\n#\d+ CACHED/);
      t.regex(outputOf(await build(folder, 'a', '--no-cache')), told);
    }
  },
);

testNeeding(NEEDS, 'rights are asked for: the host’s network and an insecure step', async (t) => {
  const { context, build } = await makeSetting(t);
  const network = context({ Dockerfile: `${FROM_BUSYBOX}RUN --network=host true\n` }, 'network');
  const refused = await build(network, 'a');
  t.is(refused.code, 1);
  t.regex(outputOf(refused), /network\.host is not allowed[\s\S]*--allow network\.host/);
  t.is((await build(network, 'a', '--allow=network.host')).code, 0);
  t.is((await build(network, 'a', '--network=host')).code, 0);
  const mount = 'RUN --security=insecure mkdir /m && mount -t tmpfs none /m\n';
  const insecure = context({ Dockerfile: FROM_BUSYBOX + mount }, 'insecure');
  t.regex(outputOf(await build(insecure, 'b')), /security\.insecure is not allowed/);
  const allowed = await build(insecure, 'b', '--allow=security.insecure');
  t.is(allowed.code, 0, outputOf(allowed));
  const unknown = await build(insecure, 'b', '--allow=security.insecur');
  t.is(unknown.code, 125);
  t.regex(outputOf(unknown), /no such entitlement[\s\S]*did you mean security\.insecure\?/);
});
