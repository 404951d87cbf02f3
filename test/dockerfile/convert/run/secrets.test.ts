// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the languages under test
import test from 'ava';
import type { ExecMount, ExecOp } from '../../../../src/llb/ops.ts';
import { convert } from '../support.ts';

async function convertRun(steps: string): Promise<{ readonly op: ExecOp; readonly name: string }> {
  const { definition } = await convert(`FROM a\nWORKDIR /w\n${steps}`);
  const [digest, op] = [...definition.ops].findLast(([, { type }]) => type === 'exec') ?? [];
  if (op?.type !== 'exec' || digest === undefined) throw new Error('there is no RUN');
  return { op, name: definition.metadata.get(digest)?.name ?? '' };
}

const OWNER = { uid: 0, gid: 0 };
const SECRET = { type: 'secret', required: false, mode: 0o400, ...OWNER } as const;
const SSH = { type: 'ssh', required: false, mode: 0o600, ...OWNER } as const;

const MOUNTS: readonly (readonly [mount: string, expected: ExecMount])[] = [
  ['type=secret,id=a', { ...SECRET, id: 'a', target: '/run/secrets/a' }],
  ['type=secret,id=a/b/c', { ...SECRET, id: 'a/b/c', target: '/run/secrets/c' }],
  ['type=secret,source=a', { ...SECRET, id: 'a', target: '/run/secrets/a' }],
  ['type=secret,target=/x/y', { ...SECRET, id: 'y', target: '/x/y' }],
  ['type=secret,id=a,dst=r/x', { ...SECRET, id: 'a', target: '/w/r/x', written: 'r/x' }],
  ['type=secret,id=a,env=T', { ...SECRET, id: 'a', env: 'T' }],
  ['type=secret,id=a,env=T,target=/x', { ...SECRET, id: 'a', env: 'T', target: '/x' }],
  ['TYPE=secret,ID=a,Required', { ...SECRET, id: 'a', target: '/run/secrets/a', required: true }],
  [
    'type=secret,id=a,mode=04755,uid=5,gid=6',
    { ...SECRET, id: 'a', target: '/run/secrets/a', mode: 0o755, uid: 5, gid: 6 },
  ],
  ['type=ssh', { ...SSH, id: 'default', target: '/run/buildkit/ssh_agent.0' }],
  [
    'type=ssh,id=o,target=s,mode=0666,uid=7,required=true',
    { ...SSH, id: 'o', target: '/w/s', written: 's', mode: 0o666, uid: 7, required: true },
  ],
  ['type=tmpfs,target=/t,ro', { type: 'tmpfs', target: '/t', readonly: true }],
];
for (const [mount, expected] of MOUNTS)
  test(`RUN --mount=${mount}`, async (t) => {
    t.deepEqual((await convertRun(`RUN --mount=${mount} true`)).op.mounts.slice(1), [expected]);
  });

for (const mount of ['type=secret', 'type=secret,env=X', 'type=secret,id=a,target=/', 'type=ssh,source=x'])
  test(`RUN --mount=${mount} is refused`, async (t) => {
    await t.throwsAsync(convertRun(`RUN --mount=${mount} true`), { code: 'DOCKERFILE_SYNTAX' });
  });

test('agents are counted, and the first is the one of SSH_AUTH_SOCK unless that is set', async (t) => {
  const { op } = await convertRun('RUN --mount=type=ssh,id=a --mount=type=secret,id=s --mount=type=ssh,id=b true');
  t.deepEqual(
    op.mounts.flatMap((mount) => (mount.type === 'ssh' ? [mount.target] : [])),
    ['/run/buildkit/ssh_agent.0', '/run/buildkit/ssh_agent.1'],
  );
  t.is(op.meta.env.get('SSH_AUTH_SOCK'), '/run/buildkit/ssh_agent.0');
  const own = await convertRun('ENV SSH_AUTH_SOCK=/x\nRUN --mount=type=ssh true');
  t.is(own.op.meta.env.get('SSH_AUTH_SOCK'), '/x');
});

test('a step’s name shows that a variable is a secret, and its environment has none', async (t) => {
  const { op, name } = await convertRun('ENV T=plain\nRUN --mount=type=secret,id=a,env=T echo $T ${T}');
  t.regex(name, /echo \*\*\*\* \*\*\*\*$/);
  t.is(op.meta.env.get('T'), 'plain');
});

test('RUN --security=insecure and --network are the op’s', async (t) => {
  t.like((await convertRun('RUN --security=insecure --network=none true')).op, {
    security: 'insecure',
    network: 'none',
  });
});
