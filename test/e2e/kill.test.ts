// A tsbuild that is killed leaves no process, no mount, and a store that the next one works with.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { TSBUILD, type Tsbuild } from '../support/tsbuild.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';
import { brokenBlobs, mountsAnywhere, processesWith, waitEmpty } from './soundness.ts';

async function assertSound(t: ExecutionContext, tsbuild: Tsbuild, marker: string): Promise<void> {
  t.deepEqual(await waitEmpty(() => processesWith(marker)), [], 'processes left');
  t.deepEqual(await waitEmpty(() => mountsAnywhere(tsbuild.root)), [], 'mounts left');
  t.deepEqual(brokenBlobs(tsbuild.root), []);
}

/** Starts tsbuild, and kills it when a line of its output matches `at`, or after so many milliseconds. */
async function runAndKill(tsbuild: Tsbuild, args: readonly string[], at: RegExp | number): Promise<string> {
  const child = spawn(TSBUILD, args, { env: tsbuild.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      said += `${line}\n`;
      if (at instanceof RegExp && at.test(line)) child.kill('SIGKILL');
    });
  const timer = setTimeout(() => child.kill('SIGKILL'), typeof at === 'number' ? at : 120_000);
  await ended;
  clearTimeout(timer);
  return said;
}

testNeeding(SETTING_NEEDS, 'killed in the middle of a RUN', async (t) => {
  const setting = await makeSetting(t);
  const marker = `61.${process.pid}`;
  const slow = setting.context({
    Dockerfile: `${FROM_BUSYBOX}RUN echo first >/first\nRUN (sleep ${marker} &) ; mkdir /half && echo half >/half/file && echo star''ted && sleep ${marker}\n`,
  });
  const args = ['build', '--progress=plain', `--build-arg=REGISTRY=${setting.registry.host}`, '-t', 'slow:1', slow];
  const said = await runAndKill(setting.tsbuild, args, /started$/);
  t.regex(said, /started$/m);
  await assertSound(t, setting.tsbuild, marker);

  const quick = setting.context({ Dockerfile: `${FROM_BUSYBOX}RUN echo first >/first\nRUN ! ls /half\n` }, 'quick');
  const built = await setting.build(quick, 'quick');
  t.is(built.code, 0, outputOf(built));
  t.regex(outputOf(built), /CACHED/, 'what was done before the kill is still of use');
});

testNeeding(SETTING_NEEDS, 'interrupted in the middle of a RUN, it stops at once', async (t) => {
  const setting = await makeSetting(t);
  const marker = `62.${process.pid}`;
  const slow = setting.context({
    Dockerfile: `${FROM_BUSYBOX}RUN trap '' INT TERM; echo star''ted; sleep ${marker}; sleep ${marker}\n`,
  });
  const args = ['build', '--progress=plain', `--build-arg=REGISTRY=${setting.registry.host}`, '-t', 'slow:1', slow];
  const child = spawn(TSBUILD, args, { env: setting.tsbuild.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const began = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        if (line.endsWith('started')) resolve();
      });
  });
  await Promise.race([began, ended]);
  const interrupted = Date.now();
  child.kill('SIGINT');
  const [code, signal] = await ended;
  t.true(code === 130 || signal === 'SIGINT', `ended with ${code ?? signal}`);
  t.true(Date.now() - interrupted < 60_000, 'it did not wait for the step');
  await assertSound(t, setting.tsbuild, marker);
});

testNeeding(SETTING_NEEDS, 'killed in the middle of a pull, at any moment', async (t) => {
  const setting = await makeSetting(t);
  const big = setting.context({
    Dockerfile: `${FROM_BUSYBOX}RUN for i in $(seq 3000); do echo $i >/f$i; done; head -c 30000000 /dev/urandom >/big\n`,
  });
  const reference = `${setting.registry.host}/big:1`;
  const pushed = await setting.build(big, `${setting.registry.host}/big`, '--push');
  t.is(pushed.code, 0, outputOf(pushed));
  t.is((await setting.tsbuild.run(['rmi', '-f', reference])).code, 0);

  const context = setting.context(
    { Dockerfile: `FROM ${reference}\nRUN [ $(cat /f3000) = 3000 ] && wc -c </big >/size\n` },
    'on',
  );
  for (const afterMs of [80, 150, 220, 300, 400, 550]) {
    await runAndKill(setting.tsbuild, ['build', '--progress=plain', '--no-cache', '--pull', context], afterMs);
    await assertSound(t, setting.tsbuild, setting.tsbuild.root);
  }
  const built = await setting.build(context, 'on');
  t.is(built.code, 0, outputOf(built));
});

testNeeding(SETTING_NEEDS, 'killed in the middle of a push, at any moment', async (t) => {
  const setting = await makeSetting(t);
  const big = setting.context({ Dockerfile: `${FROM_BUSYBOX}RUN head -c 60000000 /dev/urandom >/big\n` });
  const reference = `${setting.registry.host}/pushed:1`;
  const built = await setting.build(big, `${setting.registry.host}/pushed`);
  t.is(built.code, 0, outputOf(built));
  for (const afterMs of [60, 120, 180, 260, 400]) {
    await runAndKill(setting.tsbuild, ['push', reference], afterMs);
    await assertSound(t, setting.tsbuild, setting.tsbuild.root);
    await sleep(50);
  }
  const pushed = await setting.tsbuild.run(['push', reference]);
  t.is(pushed.code, 0, outputOf(pushed));
  await exec('skopeo', [
    'copy',
    '--insecure-policy',
    '--src-tls-verify=false',
    `docker://${reference}`,
    `oci:${setting.work}/copy:1`,
  ]);
});
