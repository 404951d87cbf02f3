import test from 'ava';
import { marshal } from '../../src/llb/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { loadDefinition } from '../../src/ops/load.ts';
import type { OpResolver, OpResult } from '../../src/ops/types.ts';
import type { Edge } from '../../src/solver/types.ts';
import { copyStep, localContext, runStep } from './steps.ts';

const resolveNothing: OpResolver = () => ({ cacheMap: () => Promise.reject(), exec: () => Promise.reject() });

function listNames(edge: Edge<OpResult> | undefined): string[] {
  return edge === undefined ? [] : [edge.vertex.name, ...edge.vertex.inputs.flatMap(listNames)];
}

test('a definition becomes the graph that it describes, equal ops once', (t) => {
  const context = localContext();
  const left = copyStep(undefined, context, '/a', '/a');
  const head = copyStep(runStep(left, 'make', { ignoreCache: true }), left, '/b', '/b');
  const edge = loadDefinition(marshal(head), resolveNothing);
  t.deepEqual(listNames(edge), ['COPY /b /b', 'RUN make', 'COPY /a /a', 'load context', 'COPY /a /a', 'load context']);
  const run = edge?.vertex.inputs[0]?.vertex;
  t.true(run?.ignoreCache);
  t.is(run?.inputs[0]?.vertex, edge?.vertex.inputs[1]?.vertex);
});

test('an empty definition is the empty tree', (t) => {
  t.is(loadDefinition(marshal(undefined), resolveNothing), undefined);
});

test('a definition that lacks an input is refused', (t) => {
  const { ops, metadata, head } = marshal(copyStep(undefined, localContext(), '/a', '/a'));
  const last = [...ops].at(-1);
  t.throws(() => loadDefinition({ ops: new Map(last && [last]), metadata, head }, resolveNothing), {
    code: 'GRAPH_INVALID',
  });
  const gone = { digest: digestOf('gone'), index: 0 };
  t.throws(() => loadDefinition({ ops, metadata, head: gone }, resolveNothing), { code: 'GRAPH_INVALID' });
});
