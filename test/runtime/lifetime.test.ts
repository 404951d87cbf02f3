import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { native } from '../../src/native/index.ts';
import type { ProcessSpec } from '../../src/runtime/index.ts';
import { mountsBelow } from '../support/mounts.ts';
import { testNeeding } from '../support/needs.ts';
import { type ContainerFixture, defaultSpec, makeContainerFixture } from './fixture.ts';

let fixture: ContainerFixture;
test.before(async () => {
  fixture = await makeContainerFixture();
});
test.after.always(() => fixture.dispose());

const needs = ['root', 'busybox'];

/** Processes whose environment or command line holds `mark`. */
function processesWith(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return ['environ', 'cmdline'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(mark));
      } catch {
        return false;
      }
    });
}

async function waitUntil(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    if (condition()) return true;
    await sleep(10);
  }
  return false;
}

/** Starts a Node of its own that runs a container, and gives it back once the container prints. */
async function startParent(change: Partial<ProcessSpec>) {
  const runtime = pathToFileURL(`${import.meta.dirname}/../../src/runtime/index.js`).href;
  const spec = { ...defaultSpec(fixture.makeRoot()), ...change };
  const program = `
    import { createExecutor } from ${JSON.stringify(runtime)};
    await createExecutor().run(${JSON.stringify(spec)}, { onOutput: () => process.send('up') });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(parent, 'exit').then(([code]) => {
    throw new Error(`the parent ended with ${code}`);
  });
  await Promise.race([once(parent, 'message'), ended]);
  ended.catch(() => {});
  return parent;
}

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  testNeeding(needs, `${signal} of the program that started it leaves no process and no mount`, async (t) => {
    const mark = `lifetime-${signal}-${process.pid}`;
    const script =
      'trap "" HUP TERM INT; (setsid sleep 300 &) ; setsid sh -c "trap \\"\\" TERM; sleep 300" & echo up; wait; sleep 300';
    const parent = await startParent({ args: ['/bin/sh', '-c', script], env: [`MARK=${mark}`] });
    t.true(processesWith(mark).length >= 3);
    parent.kill(signal);
    await once(parent, 'exit');
    t.true(await waitUntil(() => processesWith(mark).length === 0), processesWith(mark).join());
    t.deepEqual(mountsBelow(fixture.directory), []);
  });
}

testNeeding(
  needs,
  'SIGKILL also ends a container whose first program is setuid, which no longer gets the signal',
  async (t) => {
    const mark = `lifetime-setuid-${process.pid}`;
    const setuid = fixture.makeRoot();
    await fixture.sh('cp /bin/busybox /tmp/su; chmod 4755 /tmp/su; sed -i "s/^root:x:/root::/" /etc/passwd', {
      root: setuid,
    });
    const script = `: ${mark}; echo up; sleep 300; true`;
    const parent = await startParent({ root: setuid, args: ['/tmp/su', '-c', script], user: 'app' });
    t.true(processesWith(mark).length >= 1);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    t.true(await waitUntil(() => processesWith(mark).length === 0));
  },
);

testNeeding(needs, 'a lock that is let go of is free at once, while containers are started beside it', async (t) => {
  const path = join(fixture.directory, 'lock');
  let isOver = false;
  const runs = Array.from({ length: 3 }, async () => {
    while (!isOver) await fixture.run({ args: ['/bin/true'] });
  });
  try {
    for (let i = 0; i < 2000; i++) {
      const lock = await native.lockFile({ path, exclusive: true, wait: false });
      t.truthy(lock, `held after ${i} times`);
      lock?.release();
    }
  } finally {
    isOver = true;
    await Promise.all(runs);
  }
});

testNeeding(needs, 'SIGKILL at any moment of the start leaves nothing', async (t) => {
  const mark = `lifetime-early-${process.pid}`;
  const runtime = pathToFileURL(`${import.meta.dirname}/../../src/runtime/index.js`).href;
  const spec = { ...defaultSpec(fixture.makeRoot()), args: ['/bin/sleep', '300'], env: [`MARK=${mark}`] };
  const program = `
    import { createExecutor } from ${JSON.stringify(runtime)};
    const executor = createExecutor();
    process.send('ready');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(process.argv[1]));
    await executor.run(${JSON.stringify(spec)}, { onOutput() {} });`;
  await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const parent = spawn(process.execPath, ['--input-type=module', '-e', program, String(i)], {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      await once(parent, 'exit');
    }),
  );
  t.true(await waitUntil(() => processesWith(mark).length === 0), processesWith(mark).join());
  t.deepEqual(mountsBelow(fixture.directory), []);
});
