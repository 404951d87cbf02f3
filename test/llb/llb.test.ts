import test from 'ava';
import {
  canonicalJson,
  digestOp,
  EnvList,
  type ExecOp,
  execState,
  fileState,
  InputList,
  marshal,
  type State,
  sourceState,
} from '../../src/llb/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { fc } from '../support/properties.ts';

const PLATFORM = { os: 'linux', architecture: 'amd64' };

function source(name: string): State {
  return sourceState({ identifier: `local://${name}`, attrs: {} }, { name });
}

function exec(base: State, command: string, ignoreCache = false): State {
  const meta = { args: [command], env: EnvList.empty, cwd: '/', user: '' };
  const root = { type: 'bind', input: 0, target: '/', selector: '/', readonly: false, output: 0 } as const;
  return execState(
    [base],
    { platform: PLATFORM, meta, mounts: [root], network: 'default', security: 'sandbox' },
    { name: command, ignoreCache },
  );
}

test('canonical JSON: sorted keys, nothing absent, order of lists kept', (t) => {
  t.is(
    canonicalJson({ b: 1, a: [{ d: 'x', c: null }, 'é"'], z: undefined, e: { g: true, f: {} } }),
    '{"a":[{"c":null,"d":"x"},"é\\""],"b":1,"e":{"f":{},"g":true}}',
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      t.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value))),
    ),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      t.is(canonicalJson(reversed), canonicalJson(value));
    }),
  );
});

test('an op is identified by all of it but its proxies', (t) => {
  const { op } = exec(source('a'), 'x').node;
  const base = op as ExecOp;
  const { type, ...rest } = base;
  t.is(digestOp({ ...rest, type }), digestOp(base), 'the order of members does not matter');
  t.is(digestOp({ ...base, meta: { ...base.meta, proxyEnv: ['http_proxy=x'] } }), digestOp(base));
  const changed: readonly ExecOp[] = [
    { ...base, meta: { ...base.meta, env: EnvList.from(['a=b']) } },
    { ...base, meta: { ...base.meta, cwd: '/x' } },
    { ...base, meta: { ...base.meta, user: '1' } },
    { ...base, network: 'none' },
    { ...base, platform: { ...PLATFORM, architecture: 'arm64' } },
    { ...base, inputs: [{ digest: digestOf('other'), index: 0 }] },
    { ...base, mounts: [...base.mounts, { type: 'tmpfs', target: '/t' }] },
  ];
  const digests = new Set([digestOp(base), ...changed.map(digestOp)]);
  t.is(digests.size, changed.length + 1);
});

test('a definition holds each op once, inputs first', (t) => {
  const base = source('a');
  const left = exec(base, 'left');
  const right = exec(exec(source('a'), 'mid'), 'right');
  const inputs = new InputList();
  const indexes = [inputs.add(left), inputs.add(right), inputs.add(left), inputs.add(undefined)];
  t.deepEqual(indexes, [0, 1, 0, -1]);
  const { ops, metadata, head } = marshal(fileState(inputs.states, 0, [], { name: 'both' }));
  t.deepEqual(
    [...metadata.values()].map(({ name }) => name),
    ['a', 'left', 'mid', 'right', 'both'],
  );
  const seen = new Set<string>();
  for (const [digest, op] of ops) {
    for (const input of op.inputs) t.true(seen.has(input.digest));
    t.is(digestOp(op), digest);
    seen.add(digest);
  }
  t.true(seen.has(head?.digest ?? ''));
});

test('an empty tree is an empty definition', (t) => {
  const { ops, metadata, head } = marshal(undefined);
  t.deepEqual([ops.size, metadata.size, head], [0, 0, undefined]);
});

test('one of two equal ops that must run without cache is enough', (t) => {
  const states = [exec(source('a'), 'x'), exec(source('a'), 'x', true)];
  const { metadata } = marshal(fileState([...states, source('b')], 0, [], { name: 'f' }));
  t.deepEqual(
    [...metadata.values()].filter((item) => item.ignoreCache).map(({ name }) => name),
    ['x'],
  );
});

test('a chain of fifty thousand ops is no problem', (t) => {
  let state = source('a');
  for (let step = 0; step < 50_000; step++) state = exec(state, 'x');
  t.is(marshal(state).ops.size, 50_001);
});
