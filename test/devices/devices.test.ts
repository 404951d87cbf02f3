import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createDevices } from '../../src/devices/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

/** Directories with specifications, and what a step gets of a device. */
function makeMachine(t: ExecutionContext, ...directories: readonly Readonly<Record<string, string | object>>[]) {
  const root = makeTempDir('cdi');
  t.teardown(() => removeTree(root));
  const paths = directories.map((files, index) => {
    const directory = join(root, String(index));
    mkdirSync(directory);
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
    return directory;
  });
  const env = { TSBUILD_CDI_DIRS: [...paths, join(root, 'none')].join(':') };
  const devices = createDevices(['device'], env);
  return {
    root,
    env,
    prepare: (name: string) => devices.prepare([{ name, required: true }]),
    /** Why there is no such device. */
    missing: async (name: string): Promise<string> => {
      const error = await t.throwsAsync(devices.prepare([{ name, required: true }]), { code: 'DEVICE_MISSING' });
      return (error as Error & { hint: string }).hint;
    },
  };
}

const DEVICE = { name: 'a', containerEdits: { env: ['A=1'] } };
const spec = (more: object = {}): object => ({ cdiVersion: '0.6.0', kind: 'v.com/c', devices: [DEVICE], ...more });

test('YAML is read as YAML 1.1, and texts may stand without quotes', async (t) => {
  const { prepare } = makeMachine(t, {
    'a.yaml': `cdiVersion: 0.7.0
kind: v.com/c
annotations: {org.mobyproject.buildkit.device.autoallow: true, number: 1}
containerEdits:
  env: [COMMON=1]
  additionalGids: [44, 0]
devices:
- name: "1"
  containerEdits: &edits
    env: [A=1, COMMON=2]
    deviceNodes:
    - {path: /dev/x, type: c, major: 10, minor: 200, fileMode: 0640, permissions: none}
- name: two
  containerEdits: *edits
`,
  });
  const node = { target: '/dev/x', hostPath: '/dev/x', type: 'c', major: 10, minor: 200, mode: 0o640, permissions: '' };
  t.deepEqual(await prepare('v.com/c=1'), {
    env: ['COMMON=2', 'A=1'],
    nodes: [node],
    mounts: [],
    groups: [44],
  } as never);
  t.deepEqual(await prepare('v.com/c=*'), await prepare('v.com/c=two'), 'the same variables and nodes are set once');
});

test('what a node leaves out is the host’s', async (t) => {
  const nodes = [
    { path: '/dev/null' },
    { path: 'relative/../full', hostPath: '/dev/full', permissions: 'rw', uid: 0, gid: 7 },
    { path: '/dev/u', type: 'u', major: 5, minor: 1 },
  ];
  const { prepare } = makeMachine(t, {
    'a.json': spec({ devices: [{ name: 'a', containerEdits: { deviceNodes: nodes } }] }),
  });
  const { nodes: found } = await prepare('v.com/c=a');
  const common = { type: 'c', mode: 0o666, permissions: 'rwm' };
  t.deepEqual(found, [
    { ...common, target: '/dev/null', hostPath: '/dev/null', major: 1, minor: 3 },
    { ...common, target: '/full', hostPath: '/dev/full', major: 1, minor: 7, permissions: 'rw', uid: 0, gid: 7 },
    { ...common, target: '/dev/u', hostPath: '/dev/u', major: 5, minor: 1 },
  ] as never);
});

test('a later directory wins; two files of one directory that describe a device are at odds', async (t) => {
  const other = spec({ devices: [{ name: 'a', containerEdits: { env: ['A=2'] } }] });
  const later = makeMachine(t, { 'a.json': spec() }, { 'b.json': other });
  t.deepEqual((await later.prepare('v.com/c=a')).env, ['A=2']);
  const odds = makeMachine(t, { 'a.json': spec(), 'b.json': other });
  t.regex(await odds.missing('v.com/c=a'), /0\/a\.json and \S+\/0\/b\.json both describe v\.com\/c=a/);
});

const INVALID: readonly (readonly [what: string, content: string | object, why: RegExp])[] = [
  ['no version', { ...spec(), cdiVersion: '' }, /cdiVersion "" is not known/],
  ['a version to come', spec({ cdiVersion: '9.0.0' }), /cdiVersion "9\.0\.0" is not known/],
  [
    'a field before its time',
    spec({ cdiVersion: '0.5.0', annotations: { a: 'b' } }),
    /is 0\.5\.0, and it uses what came with 0\.6\.0/,
  ],
  ['an unknown field', spec({ surprise: 1 }), /unknown field "surprise"/],
  [
    'an unknown field of a device',
    spec({ devices: [{ ...DEVICE, toString: 1 }] }),
    /devices\[0\] has an unknown field "toString"/,
  ],
  ['__proto__', '{"cdiVersion":"0.6.0","kind":"v.com/c","devices":[],"__proto__":{}}', /unknown field "__proto__"/],
  ['no kind', spec({ kind: 'device' }), /kind "device" is not vendor\/class/],
  ['a kind with a path', spec({ kind: 'v.com/../etc' }), /is not vendor\/class/],
  ['no devices', spec({ devices: [] }), /it has no devices/],
  ['devices of one name', spec({ devices: [DEVICE, DEVICE] }), /two devices have one name/],
  ['a device that does nothing', spec({ devices: [{ name: 'a' }] }), /devices\[0\] does nothing/],
  ['a name with a slash', spec({ devices: [{ ...DEVICE, name: 'a/b' }] }), /is not a name of a device/],
  ['a variable without a name', spec({ containerEdits: { env: ['=x'] } }), /"=x", which is not NAME=value/],
  ['a node without a path', spec({ containerEdits: { deviceNodes: [{}] } }), /deviceNodes\[0\] has no path/],
  [
    'a negative number',
    spec({ containerEdits: { deviceNodes: [{ path: '/x', major: -1 }] } }),
    /major is not a whole number/,
  ],
  [
    'an odd type',
    spec({ containerEdits: { deviceNodes: [{ path: '/x', type: 's' }] } }),
    /type is not one of b, c, u, p/,
  ],
  [
    'odd permissions',
    spec({ containerEdits: { deviceNodes: [{ path: '/x', permissions: 'rx' }] } }),
    /other letters than r, w and m/,
  ],
  [
    'a mount from nowhere',
    spec({ containerEdits: { mounts: [{ containerPath: '/x' }] } }),
    /needs a hostPath and a containerPath/,
  ],
  ['a list', '[]', /the file is not a mapping/],
  ['nothing', '', /Unexpected end of JSON/],
  ['a list in place of a text', spec({ kind: ['v.com/c'] }), /kind is not a text/],
  ['deep nesting', '['.repeat(500_000), /JSON|call stack/],
  ['too much', ' '.repeat(2 << 20), /more than 1048576 bytes/],
];

for (const [what, content, why] of INVALID)
  test(`not a specification: ${what}`, async (t) => {
    t.regex(await makeMachine(t, { 'a.json': content }).missing('v.com/c=zzzzzzzz'), why);
  });

test('hostile YAML, pipes and folders are left out in little time', async (t) => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefghij')
    .map((name, at) => {
      const before = 'abcdefghi'.charAt(at);
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]\n`;
    })
    .join('')}`;
  for (const [text, why] of [
    [bomb, /alias/i],
    ['['.repeat(500_000), /nested more than 50/],
    ['{a: '.repeat(200_000), /nested more than 50/],
    ['- '.repeat(400_000), /nested more than 50/],
    [Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'), /nested more than 50/],
    ['a: 1\na: 2\n', /two fields of one name/],
    ['--- {}\n--- {}\n', /multiple documents/],
    ['? [a]\n: b\n', /string/],
  ] as const)
    t.regex(await makeMachine(t, { 'a.yaml': text }).missing('v.com/c=zzzzzzzz'), why);
  const { root, missing } = makeMachine(t, {});
  execFileSync('mkfifo', [join(root, '0', 'a.json')]);
  mkdirSync(join(root, '0', 'b.json'));
  t.regex(await missing('v.com/c=zzzzzzzz'), /a\.json: it is not a file/);
});

test('grants are read to the letter', async (t) => {
  const { env } = makeMachine(t, { 'a.json': spec() });
  const wanted = [{ name: 'v.com/c=a', required: true }];
  const check = (...allow: string[]) => createDevices(allow, env).check(wanted);
  await t.throwsAsync(check(), { code: 'ENTITLEMENT_MISSING', message: 'the device v.com/c=a is not allowed' });
  await t.throwsAsync(check('network.host'), { code: 'ENTITLEMENT_MISSING' });
  for (const grant of ['device', 'device=', 'device=v.com/c', 'device=v.com/c=*', 'device=v.com/c=a'])
    await t.notThrowsAsync(check(grant));
  await t.throwsAsync(check('device=v.com/other'), { code: 'DEVICE_MISSING' });
  await t.notThrowsAsync(createDevices([], env).check([{ name: 'v.com/none', required: false }]));
  await t.throwsAsync(createDevices([], env).check([{ name: 'v.com/none', required: true }]), {
    code: 'DEVICE_MISSING',
  });
  // Who allows all is told so by the step that runs.
  await t.notThrowsAsync(createDevices(['device'], env).check([{ name: 'v.com/none', required: true }]));
  t.throws(() => createDevices(['device=v.com/c,alia=x']), { code: 'ENTITLEMENT_INVALID' });
});
