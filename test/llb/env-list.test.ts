import test from 'ava';
import { EnvList } from '../../src/llb/index.ts';
import { fc } from '../support/properties.ts';

/** What is done to a list, and the same done to an array of pairs. */
interface Action {
  readonly what: 'append' | 'replace' | 'insertAfter';
  readonly name: string;
  readonly value: string;
  readonly after: number;
}

type Pair = readonly [name: string, value: string];

const actions = fc.array(
  fc.record({
    what: fc.constantFrom('append', 'replace', 'insertAfter'),
    name: fc.constantFrom(
      'A',
      'B',
      'C',
      'PATH',
      'x',
      '',
      'é',
      '__proto__',
      ...'a b c d e f g h i j k l m n o p q r s'.split(' '),
    ),
    value: fc.constantFrom('', '1', '2', 'a=b'),
    after: fc.nat(30),
  }),
  { maxLength: 60 },
) as fc.Arbitrary<readonly Action[]>;

test('a list is what an array would be, after every action', (t) => {
  fc.assert(
    fc.property(actions, (steps) => {
      let list = EnvList.empty;
      let model: readonly Pair[] = [];
      for (const step of steps) {
        const after = model[step.after % Math.max(1, model.length)]?.[0];
        list =
          step.what === 'insertAfter'
            ? list.insertAfter(after, step.name, step.value)
            : list[step.what](step.name, step.value);
        model = apply(model, step, after);
        t.deepEqual([...list.entries()], [...model]);
        for (const [index, [name, value]] of model.entries()) {
          t.is(list.get(name), value);
          t.is(list.previous(name), model[index - 1]?.[0]);
        }
      }
      t.is(list.digest, EnvList.from(model.map(([name, value]) => `${name}=${value}`)).digest, 'however it was made');
    }),
    { numRuns: 300 },
  );
});

test('another value, another order and another name are another digest', (t) => {
  const lists = [
    [],
    ['A='],
    ['A=1'],
    ['A=1', 'B=2'],
    ['B=2', 'A=1'],
    ['A=1', 'B=3'],
    ['A=1B=2'],
    ['AB=12'],
    ['A=1', 'B=2', 'C='],
  ];
  const digests = lists.map((list) => EnvList.from(list).digest);
  t.is(new Set(digests).size, lists.length);
});

test('a list does not change when another is made of it', (t) => {
  const one = EnvList.from(['A=1', 'B=2']);
  const { digest } = one;
  const two = one.append('A', '3').append('C', '4');
  t.deepEqual([...one], ['A=1', 'B=2']);
  t.is(one.digest, digest);
  t.deepEqual([...two], ['B=2', 'A=3', 'C=4']);
  t.deepEqual(JSON.parse(JSON.stringify(two)), [...two]);
  t.false(one.has('C'));
});

function apply(model: readonly Pair[], { what, name, value }: Action, after: string | undefined): readonly Pair[] {
  const pair: Pair = [name, value];
  const known = model.findIndex(([other]) => other === name);
  if (known >= 0 && (what === 'replace' || (what === 'insertAfter' && after === name))) return model.with(known, pair);
  const rest = model.filter(([other]) => other !== name);
  if (what !== 'insertAfter') return [...rest, pair];
  return rest.toSpliced(after === undefined ? 0 : rest.findIndex(([other]) => other === after) + 1, 0, pair);
}

test('what many versions of a list hold is gone through once', (t) => {
  const versions = [EnvList.empty];
  for (let n = 0; n < 500; n++) versions.push((versions.at(-1) ?? EnvList.empty).append(`N${n % 300}`, String(n)));
  const seen = new WeakSet();
  const found: string[] = [];
  for (const list of versions) for (const [name, value] of list.newEntries(seen)) found.push(`${name}=${value}`);
  const expected = new Set(versions.flatMap((list) => [...list]));
  t.deepEqual(new Set(found), expected);
  // A variable comes again where its neighbours in the list changed, and not with each version.
  t.true(found.length <= 4 * versions.length, String(found.length));
  t.deepEqual([...(versions.at(-1) ?? EnvList.empty).newEntries(seen)], []);
});
