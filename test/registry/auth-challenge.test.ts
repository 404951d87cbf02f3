import test from 'ava';
import { parseChallenges } from '../../src/registry/auth-challenge.ts';
import { assertLinear } from '../support/growth.ts';
import { fc } from '../support/properties.ts';

const CASES: readonly [string, unknown][] = [
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull,push"',
    [
      [
        'bearer',
        {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/alpine:pull,push',
        },
      ],
    ],
  ],
  ['Basic realm="Registry Realm"', [['basic', { realm: 'Registry Realm' }]]],
  ['BASIC Realm=plain', [['basic', { realm: 'plain' }]]],
  [
    'Basic realm="a, b=\\"c\\"", charset="UTF-8", Bearer realm="https://x/t" , service="s"',
    [
      ['basic', { realm: 'a, b="c"', charset: 'UTF-8' }],
      ['bearer', { realm: 'https://x/t', service: 's' }],
    ],
  ],
  [
    'Negotiate, Basic realm="r"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'r' }],
    ],
  ],
  [
    'Negotiate YIIabc==, Basic realm="r"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'r' }],
    ],
  ],
  ['Bearer realm="first",realm="second"', [['bearer', { realm: 'first' }]]],
  ['Bearer realm = "spaced"', [['bearer', { realm: 'spaced' }]]],
  [', , Basic realm="r"', [['basic', { realm: 'r' }]]],
  ['', []],
  ['"nonsense"', []],
  [
    'Bearer realm="unfinished',
    [
      ['bearer', {}],
      ['realm', {}],
    ],
  ],
];

for (const [header, expected] of CASES)
  test(`WWW-Authenticate: ${header || '(empty)'}`, (t) => {
    t.deepEqual(
      parseChallenges(header).map(({ scheme, parameters }) => [scheme, { ...parameters }]),
      expected as [string, Record<string, string>][],
    );
  });

test('any header is read in time that grows with its length', async (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (header) => {
      parseChallenges(header);
    }),
  );
  const read = (length: number) => {
    for (const evil of ['"\\'.repeat(length), 'a='.repeat(length), ' ,'.repeat(length), `x y="${'\\"'.repeat(length)}`])
      parseChallenges(evil);
  };
  await assertLinear(t, { small: () => read(50_000), large: () => read(400_000), times: 8 });
});

test('no parameter becomes a prototype', (t) => {
  const [challenge] = parseChallenges('Bearer __proto__="x", realm="r"');
  t.is(Object.getPrototypeOf(challenge?.parameters), null);
  t.is(({} as Record<string, unknown>).x, undefined);
});
