import test from 'ava';
import type { FileOp, MergeOp, Op } from '../../../../src/llb/ops.ts';
import { convert, listNames } from '../support.ts';

type Graph = ReadonlyMap<string, Op>;

const mergesOf = (ops: Graph): MergeOp[] => [...ops.values()].filter((op) => op.type === 'merge');
const copiesOf = (ops: Graph): FileOp[] =>
  [...ops.values()].filter((op): op is FileOp => op.type === 'file' && op.actions.some(({ type }) => type === 'copy'));

test('COPY --link copies into an empty tree and lays it over the stage', async (t) => {
  const result = await convert('FROM base\nWORKDIR /w\nCOPY --link a b/\n');
  const { ops, head } = result.definition;
  const [merge] = mergesOf(ops);
  const [copy] = copiesOf(ops);
  t.is(head === undefined ? undefined : ops.get(head.digest), merge);
  t.is(copy?.base, -1);
  t.like(copy?.actions[0], { type: 'copy', input: 0, src: '/a', dest: '/w/b/' });
  t.is(copy?.inputs.length, 1, 'the stage is no input of it');
  t.is(merge?.inputs.length, 2);
  t.is(ops.get(merge?.inputs[1]?.digest ?? 'sha256:'), copy);
  t.is(listNames(result).filter((name) => name.startsWith('[3/3] COPY --link a b/')).length, 2, 'one step by name');
});

test('a linked layer is the same op whatever it lies on', async (t) => {
  const digests = await Promise.all(
    ['one', 'two'].map(async (base) => {
      const { ops } = (await convert(`FROM ${base}\nCOPY --link a /\nCOPY --link b /\n`)).definition;
      return [...ops].flatMap(([digest, op]) => (op.type === 'file' ? [digest] : []));
    }),
  );
  t.is(digests[0]?.length, 2);
  t.deepEqual(digests[0], digests[1]);
});

test('a source that is the stage itself is still a source', async (t) => {
  const { ops } = (await convert('FROM base AS x\nFROM x\nCOPY --link --from=x /a /b\n')).definition;
  const [copy] = copiesOf(ops);
  t.like(copy, { base: -1, actions: [{ input: 0, src: '/a', dest: '/b' }] });
  t.deepEqual(copy?.inputs[0], mergesOf(ops)[0]?.inputs[0]);
});

test('onto nothing there is nothing to merge, and with --chmod nothing is linked', async (t) => {
  t.is(mergesOf((await convert('FROM scratch\nCOPY --link a /\n')).definition.ops).length, 0);
  const { ops } = (await convert('FROM base\nCOPY --link --chmod=600 --chown=app a /\n')).definition;
  t.is(mergesOf(ops).length, 0);
  t.is(copiesOf(ops)[0]?.base, 0);
});

test('owners of a linked layer are numbers', async (t) => {
  for (const owner of ['1', '1:2', 'root', 'root:0', '0:root', ':3'])
    t.is(mergesOf((await convert(`FROM base\nCOPY --link --chown=${owner} a /\n`)).definition.ops).length, 1, owner);
  for (const owner of ['app', '1:app', 'root:app', 'rooty'])
    await t.throwsAsync(convert(`FROM base\nADD --link --chown=${owner} a /\n`), {
      code: 'DOCKERFILE_SYNTAX',
      message: /^ADD --link cannot look up "(app|rooty)"/,
    });
});
