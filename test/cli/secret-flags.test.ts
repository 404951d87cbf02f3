import test from 'ava';
import { chooseAgents, collectEntitlement, collectSecret, collectSsh } from '../../src/cli/flags/secrets.ts';

const SECRETS: readonly (readonly [text: string, spec: object])[] = [
  ['id=a,src=f', { id: 'a', file: 'f' }],
  ['ID=a,source=f', { id: 'a', file: 'f' }],
  ['id=a,env=V', { id: 'a', env: 'V' }],
  ['id=a,env=V,src=f', { id: 'a', env: 'V' }],
  ['type=env,id=a,src=V', { id: 'a', env: 'V' }],
  ['type=file,id=a,src=f', { id: 'a', file: 'f' }],
  ['id=PATH', { id: 'PATH', env: 'PATH' }],
  ['id=no-such-variable', { id: 'no-such-variable', file: 'no-such-variable' }],
  ['id=a,"src=f,g"', { id: 'a', file: 'f,g' }],
];
for (const [text, spec] of SECRETS)
  test(`--secret ${text}`, (t) => {
    t.deepEqual(collectSecret(text, [{ id: 'b', env: 'B' }]), [{ id: 'b', env: 'B' }, spec] as never);
  });

const MISTAKES: readonly (readonly [text: string, message: RegExp])[] = [
  ['src=f', /it has no id/],
  ['id=a,foo', /"foo" is not key=value/],
  ['id=a,scr=f', /there is no key "scr"/],
  ['id=a,type=x', /neither file nor env/],
  ['id="a', /quotes do not match/],
];
for (const [text, message] of MISTAKES)
  test(`--secret ${text} is refused`, (t) => {
    t.throws(() => collectSecret(text, undefined), { message, code: 'FLAG_INVALID' });
  });

test('an empty variable of a script gives no secret and no agent', (t) => {
  t.deepEqual(collectSecret('', undefined), []);
  t.deepEqual(collectSecret('', [{ id: 'b', env: 'B' }]), [{ id: 'b', env: 'B' }]);
  t.deepEqual(collectSsh('', undefined), []);
});

test('--ssh names agents, sockets and keys', (t) => {
  const first = collectSsh('default', undefined);
  t.deepEqual(collectSsh('work=/a,/b=c', first), [
    { id: 'default', paths: [] },
    { id: 'work', paths: ['/a', '/b=c'] },
  ]);
});

test('a context over ssh asks the agent of the session', (t) => {
  const given = [{ id: 'work', paths: ['/key'] }];
  const session = [{ id: 'default', paths: [] }];
  for (const path of ['git@host:a/b.git', 'ssh://git@host/a.git#v1']) {
    t.deepEqual(chooseAgents(undefined, path), session);
    t.is(chooseAgents(given, path), given);
  }
  for (const path of ['.', '-', 'https://host/a.git']) t.is(chooseAgents(undefined, path), undefined);
});

test('--allow knows its entitlements', (t) => {
  t.deepEqual(collectEntitlement('security.insecure', collectEntitlement('network.host', undefined)), [
    'network.host',
    'security.insecure',
  ]);
  t.deepEqual(collectEntitlement('', ['network.host']), ['network.host']);
  t.throws(() => collectEntitlement('network.hots', undefined), { message: /no such entitlement/ });
  t.throws(() => collectEntitlement('network.host=x', undefined), { message: /no such entitlement/ });
});
