import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ExecResult } from '../support/exec.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

const NEEDS = [...SETTING_NEEDS, 'losetup', 'mkfifo'];

const AUTO_ALLOW = 'org.mobyproject.buildkit.device.autoallow';
const CLASS = 'org.mobyproject.buildkit.device.class';

/** Device nodes in a folder: two loop devices with a file behind each, so that no real disk is in reach; a pipe; what any step has. */
async function makeNodes(t: ExecutionContext, folder: string): Promise<void> {
  mkdirSync(folder);
  for (const name of ['disk', 'other-disk']) {
    const file = `${folder}-${name}`;
    writeFileSync(file, `${name} ${'.'.repeat(1 << 20)}`);
    const { stdout } = await exec('losetup', ['--find', '--show', file]);
    const loop = stdout.trim();
    t.teardown(() => exec('losetup', ['--detach', loop]).then(() => {}));
    await exec('cp', ['-a', loop, join(folder, name)]);
  }
  await exec('mkfifo', [join(folder, 'pipe')]);
  await exec('mknod', [join(folder, 'zero'), 'c', '1', '5']);
}

async function makeDevices(t: ExecutionContext, specs: (nodes: string) => Readonly<Record<string, unknown>>) {
  const setting = await makeSetting(t);
  const nodes = join(setting.work, 'nodes');
  const cdi = join(setting.work, 'cdi');
  await makeNodes(t, nodes);
  mkdirSync(cdi);
  for (const [name, spec] of Object.entries(specs(nodes)))
    writeFileSync(join(cdi, name), typeof spec === 'string' ? spec : JSON.stringify(spec));
  let count = 0;
  const build = async (steps: string, ...flags: string[]): Promise<ExecResult> => {
    const folder = setting.context({ Dockerfile: FROM_BUSYBOX + steps }, `context-${count++}`);
    const args = ['build', '--progress=plain', `--build-arg=REGISTRY=${setting.registry.host}`, ...flags, folder];
    return await setting.tsbuild.run(args, { env: { TSBUILD_CDI_DIRS: cdi } });
  };
  return { ...setting, nodes, run: build };
}

function specOf(kind: string, devices: readonly unknown[], more: object = {}): object {
  return { cdiVersion: '0.6.0', kind, devices, ...more };
}

testNeeding(NEEDS, 'a step gets its devices, opens them as it is allowed, and nothing else', async (t) => {
  const { nodes, run } = await makeDevices(t, (folder) => ({
    'a.json': specOf('vendor.com/dev', [
      {
        name: 'disk',
        containerEdits: {
          env: ['DEVICE=disk', 'PATH=/bin:/elsewhere'],
          deviceNodes: [
            { path: '/dev/sub/disk', hostPath: join(folder, 'disk'), permissions: 'r', uid: 5, gid: 6 },
            { path: '/run/pipe', type: 'p', fileMode: 0o640 },
          ],
        },
      },
      { name: 'writable', containerEdits: { deviceNodes: [{ path: '/opt/disk', hostPath: join(folder, 'disk') }] } },
      { name: 'zero', containerEdits: { deviceNodes: [{ path: '/dev/null', type: 'c', major: 1, minor: 5 }] } },
    ]),
  }));
  const numbers = async (name: string): Promise<string> => {
    const { stdout } = await exec('stat', ['-c', '%t:%T', join(nodes, name)]);
    return stdout.trim();
  };
  const [disk, other] = [await numbers('disk'), await numbers('other-disk')];
  const make = (path: string, [major = '', minor = '']: readonly string[]): string =>
    `mknod ${path} b $((0x${major})) $((0x${minor}))`;
  const step = [
    'stat -c "%F %t:%T %a %u:%g" /dev/sub/disk /run/pipe; echo "$DEVICE $(env | grep ^PATH)"',
    'head -c4 /dev/sub/disk | sed "s/$/ is read/"; echo',
    '(echo x >/dev/sub/disk) 2>&1 || echo not written',
    `${make('/same', disk.split(':'))}; head -c4 /same | sed "s/$/ by its numbers/"; echo`,
    `${make('/other', other.split(':'))}; (: </other) 2>&1 || echo other disk refused`,
    '(sleep 0.1; echo through the pipe >/run/pipe) & cat /run/pipe; rm /same /other',
  ].join('; ');
  const after =
    'RUN test ! -e /opt/disk && test ! -e /run/pipe && test ! -e /dev/sub && test -z "$DEVICE" && echo all gone\n';
  const done = await run(`RUN --device=vendor.com/dev=disk,required ${step}\n${after}`, '--allow=device');
  const output = outputOf(done);
  t.is(done.code, 0, output);
  const lines = output.split('\n').map((line) => line.replace(/^#\d+ [\d.]+ /, ''));
  for (const line of [
    `block special file ${disk} 666 5:6`,
    'fifo 0:0 640 0:0',
    'disk PATH=/bin:/elsewhere',
    'disk is read',
    'not written',
    'disk by its numbers',
    'other disk refused',
    'through the pipe',
    'all gone',
  ])
    t.true(lines.includes(line), `${line}\n${output}`);

  const written = await run('RUN --device=name=vendor.com/dev=writable printf DISK >/opt/disk\n', '--allow=device');
  t.is(written.code, 0, outputOf(written));
  await exec('sync', [join(nodes, 'disk')]);
  t.regex((await exec('head', ['-c4', join(nodes, 'disk')])).stdout, /^DISK$/);

  const user = 'USER 1000:1001\nRUN --device=vendor.com/dev=zero head -c3 /dev/null | wc -c; stat -c %u:%g /dev/null\n';
  t.regex(outputOf(await run(user, '--allow=device')), / 3\n[^\n]* 1000:1001\n/);
});

testNeeding(NEEDS, 'names, classes and rights of devices are BuildKit’s', async (t) => {
  const set = (name: string, annotations?: object) => ({
    name,
    ...(annotations === undefined ? {} : { annotations }),
    containerEdits: { env: [`${name.toUpperCase()}=injected`] },
  });
  const { run } = await makeDevices(t, () => ({
    'one.yaml': `cdiVersion: "0.6.0"
kind: vendor1.com/device
devices:
- name: foo
  containerEdits: {env: [FOO=injected]}
annotations:
  ${AUTO_ALLOW}: true
containerEdits:
  env: [COMMON=1]
`,
    'two.json': specOf('vendor2.com/multi', [
      set('b'),
      set('a', { [CLASS]: 'class1' }),
      set('c', { [CLASS]: 'class1' }),
    ]),
    'broken.yaml': 'cdiVersion: [',
    'unknown.json': specOf('vendor3.com/device', [{ ...set('x'), surprise: 1 }]),
    'ignored.yml': 'kind: vendor4.com/device',
  }));
  const shown = async (devices: string, ...flags: string[]): Promise<string[] | string> => {
    const flagsOfStep = devices.split(' ').map((device) => `--device=${device}`);
    const result = await run(
      `RUN ${flagsOfStep.join(' ')} env | grep injected | sort | tr '\\n' ' ' | sed 's/^/got /'; echo\n`,
      '--no-cache',
      ...flags,
    );
    if (result.code !== 0) return outputOf(result);
    return [...(/ got (.*)/.exec(outputOf(result))?.[1] ?? '').matchAll(/(\w+)=injected/g)].map(
      ([, name = '']) => name,
    );
  };
  t.deepEqual(await shown('vendor1.com/device=foo'), ['FOO'], 'allowed by its annotation');
  t.deepEqual(await shown('vendor1.com/device'), ['FOO']);
  t.deepEqual(await shown('vendor2.com/multi', '--allow=device'), ['A'], 'the first by name');
  t.deepEqual(await shown('vendor2.com/multi=*', '--allow=device'), ['A', 'B', 'C']);
  t.deepEqual(await shown('class1', '--allow=device'), ['A', 'C']);
  t.deepEqual(await shown('vendor2.com/multi=b', '--allow=device=vendor2.com/multi=b'), ['B']);
  t.deepEqual(await shown('gpu', '--allow=device=vendor2.com/multi=c,alias=gpu'), ['C'], 'by its alias');
  t.deepEqual(await shown('vendor9.com/none vendor1.com/device'), ['FOO'], 'what is not there is done without');
  const refused = String(await shown('vendor2.com/multi=b', '--allow=device=vendor2.com/multi=a'));
  t.regex(refused, /the device vendor2\.com\/multi=b is not allowed\n/);
  t.regex(refused, /Dockerfile:3:1\n/);
  t.regex(refused, /--allow device=vendor2\.com\/multi=b, or --allow device/);
  t.regex(
    String(await shown('vendor2.com/multi=*')),
    /devices vendor2\.com\/multi=a, vendor2\.com\/multi=b, vendor2\.com\/multi=c are not allowed/,
  );
  t.regex(
    String(await shown('vendor2.com/mult=b,required')),
    /no device "vendor2\.com\/mult=b", which the step requires\nhint: did you mean vendor2\.com\/multi=b\?/,
  );
  t.regex(
    String(await shown('vendor3.com/device=x,required', '--allow=device')),
    /no device "vendor3\.com\/device=x"[\s\S]*hint: \S*broken\.yaml: /,
  );
});

testNeeding(SETTING_NEEDS, 'files of a device are mounted; a cached step needs none of them', async (t) => {
  const { work, run } = await makeDevices(t, (nodes) => ({
    'a.json': specOf('vendor.com/dev', [
      {
        name: 'lib',
        containerEdits: {
          mounts: [
            {
              hostPath: join(nodes, '../lib-link'),
              containerPath: '/usr/lib/driver',
              options: ['ro', 'nosuid', 'nodev', 'bind'],
            },
            { hostPath: join(nodes, '../lib/file'), containerPath: '/etc/driver.conf', options: ['ro'] },
          ],
        },
      },
    ]),
  }));
  mkdirSync(join(work, 'lib'));
  writeFileSync(join(work, 'lib/file'), 'from the host\n');
  await exec('ln', ['-s', 'lib', join(work, 'lib-link')]);
  const step = `RUN --device=vendor.com/dev=lib cat /usr/lib/driver/file /etc/driver.conf; touch /usr/lib/driver/x 2>&1; grep /usr/lib/driver /proc/mounts | cut -d' ' -f4\n`;
  const built = await run(step, '--allow=device');
  t.is(built.code, 0, outputOf(built));
  t.regex(
    outputOf(built),
    / from the host\n[^\n]* from the host\n[^\n]*Read-only file system\n[^\n]* ro,nosuid,nodev,/,
  );
  await exec('rm', ['-r', join(work, 'cdi')]);
  const cached = await run(step, '--allow=device');
  t.regex(outputOf(cached), /RUN --device=[^\n]*\n#\d+ CACHED/);
});

testNeeding(NEEDS, 'a device that cannot be used fails its step, and says why', async (t) => {
  const { run } = await makeDevices(t, (nodes) => ({
    'a.json': specOf('vendor.com/dev', [
      { name: 'hooked', containerEdits: { hooks: [{ hookName: 'createContainer', path: '/bin/true' }] } },
      { name: 'lost', containerEdits: { deviceNodes: [{ path: '/dev/x', hostPath: join(nodes, 'nothing') }] } },
      { name: 'odd', containerEdits: { deviceNodes: [{ path: '/dev/x', hostPath: '/etc/passwd' }] } },
      { name: 'proc', containerEdits: { deviceNodes: [{ path: '/proc/x', type: 'c', major: 1, minor: 3 }] } },
      { name: 'type', containerEdits: { deviceNodes: [{ path: '/dev/x', type: 'b', hostPath: join(nodes, 'zero') }] } },
      { name: 'nowhere', containerEdits: { mounts: [{ hostPath: '/no/such/place', containerPath: '/x' }] } },
    ]),
  }));
  const trials = {
    hooked: /the device vendor\.com\/dev=hooked cannot be used: it has hooks[\s\S]*hint: it is described in \S+a\.json/,
    lost: /dev=lost cannot be used: ENOENT/,
    odd: /\/etc\/passwd is not a device/,
    proc: /no device can be in \/proc or \/sys/,
    type: /is of type c, and it says b/,
    nowhere: /dev=nowhere cannot be used: ENOENT/,
  };
  for (const [name, told] of Object.entries(trials)) {
    const failed = await run(`RUN --device=vendor.com/dev=${name} true\n`, '--allow=device');
    t.is(failed.code, 1);
    t.regex(outputOf(failed), told);
    t.regex(outputOf(failed), /Dockerfile:3:1/);
  }
});
