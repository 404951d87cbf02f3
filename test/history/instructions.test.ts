import test from 'ava';
import { listInstructions, matchInstructions, stageOf } from '../../src/history/instructions.ts';
import { type BuildPlan, RECORD_FORMAT } from '../../src/history/types.ts';
import { digestOf } from '../../src/oci/index.ts';
import { assertLinear } from '../support/growth.ts';

/** A plan of steps `stage: text`, each on a line of its own. */
function planOf(salt: string, steps: readonly string[]): BuildPlan {
  const texts = steps.map((step) => step.replace(/^\w+: /, ''));
  return {
    format: RECORD_FORMAT,
    dockerfile: { name: 'Dockerfile', text: texts.join('\n') },
    envs: [],
    ops: steps.map((step, index) => ({
      digest: digestOf(`${salt} ${index}`),
      name: `[${/^\w+/.exec(step)?.[0]} ${index + 1}/${steps.length}] ${texts[index]}`,
      lines: [index + 1, index + 1],
      type: 'exec',
      inputs: [],
      fields: {},
    })),
  };
}

/** Which line of the old file each line of the new one is; `-` for none. */
function match(then: readonly string[], now: readonly string[]): string {
  const [older, newer] = [listInstructions(planOf('then', then)), listInstructions(planOf('now', now))];
  const pairs = matchInstructions(newer, older);
  return newer.map(({ op }) => pairs.get(op.digest)?.op.lines?.[0] ?? '-').join(' ');
}

const ROWS: readonly (readonly [name: string, then: readonly string[], now: readonly string[], expected: string])[] = [
  ['the same', ['a: RUN 1', 'a: RUN 2'], ['a: RUN 1', 'a: RUN 2'], '1 2'],
  ['one more', ['a: RUN 1', 'a: RUN 2'], ['a: RUN 1', 'a: COPY x', 'a: RUN 2'], '1 - 2'],
  ['one less', ['a: RUN 1', 'a: RUN 2', 'a: RUN 3'], ['a: RUN 1', 'a: RUN 3'], '1 3'],
  ['another text', ['a: RUN 1', 'a: RUN 2', 'a: RUN 3'], ['a: RUN 1', 'a: RUN two', 'a: RUN 3'], '1 2 3'],
  ['another text and another word', ['a: RUN 1', 'a: RUN 2'], ['a: RUN 1', 'a: COPY 2'], '1 -'],
  ['moved', ['a: RUN 1', 'a: RUN 2', 'a: RUN 3'], ['a: RUN 3', 'a: RUN 1', 'a: RUN 2'], '3 1 2'],
  ['the same text twice', ['a: RUN 1', 'a: RUN 1'], ['a: RUN 1', 'a: RUN 1', 'a: RUN 1'], '1 2 -'],
  ['by stage', ['a: RUN 1', 'b: RUN 1'], ['b: RUN 1', 'a: RUN 1'], '2 1'],
  ['a stage by another name', ['a: RUN 1', 'b: RUN 2'], ['a: RUN 1', 'c: RUN 2'], '1 2'],
  ['nothing before', [], ['a: RUN 1'], '-'],
];

test('which instruction of an older file each is', (t) => {
  for (const [name, then, now, expected] of ROWS) t.is(match(then, now), expected, name);
});

test('ten thousand instructions that are all others take no long time', async (t) => {
  const make = (word: string, length: number) => Array.from({ length }, (_, index) => `a: RUN ${word} ${index}`);
  const matchOthers = (length: number) => match(make('old', length), make('new', length));
  await assertLinear(t, { small: () => matchOthers(2000), large: () => matchOthers(10_000), times: 5 });
});

test('the stage that a name of a step tells', (t) => {
  t.is(stageOf('[build 2/3] RUN make'), 'build');
  t.is(stageOf('[ 2/13] RUN make'), '');
  t.is(stageOf('[linux/arm64 build 2/3] RUN make'), 'build');
  t.is(stageOf('[linux/amd64->arm64 build 2/3] RUN make'), 'build');
  t.is(stageOf('[linux/arm64 2/3] RUN make'), '');
  t.is(stageOf('[internal] load build context'), undefined);
  t.is(stageOf('exporting to image'), undefined);
});
