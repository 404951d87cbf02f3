import test from 'ava';
import { fc } from '../../support/properties.ts';
import { convert, findOp } from './support.ts';

/** ARG and ENV of a chain of stages. */
type Stage = readonly { readonly keyword: 'ARG' | 'ENV'; readonly name: string; readonly value: string }[];

const stages = fc.array(
  fc.array(
    fc.record({
      keyword: fc.constantFrom('ARG', 'ENV'),
      name: fc.constantFrom('A', 'B', 'C', 'D', 'E', 'BASE', 'PATH'),
      value: fc.constantFrom('1', '2', '3'),
    }),
    { maxLength: 8 },
  ),
  { minLength: 1, maxLength: 5 },
) as fc.Arbitrary<readonly Stage[]>;

test('a stage starts with what the one below has, and then with the variables of its image', async (t) => {
  await fc.assert(
    fc.asyncProperty(stages, async (chain) => {
      const text = chain.map((stage, index) => {
        const lines = stage.map(({ keyword, name, value }) => `${keyword} ${name}=${value}`);
        return [`FROM ${index === 0 ? 'x' : `s${index - 1}`} AS s${index}`, ...lines].join('\n');
      });
      const result = await convert(`${text.join('\n')}\nRUN last`, { meta: BASE });
      t.deepEqual([...findOp(result, 'exec', /last/).meta.env], expectEnv(chain));
    }),
    { numRuns: 300 },
  );
});

const BASE = {
  resolveImageConfig: async (reference: string) => ({
    reference,
    digest: 'sha256:0' as const,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers' as const, diff_ids: ['sha256:0' as const] },
      config: { Env: ['PATH=/bin', 'BASE=0'] },
    },
  }),
  resolveLayoutConfig: () => Promise.reject(new Error('not asked for')),
};

/** As BuildKit says it: each stage sets the variables of its image again, and what is set last stands last. */
function expectEnv(chain: readonly Stage[]): string[] {
  const env = new Map<string, string>();
  const image = new Map([
    ['PATH', '/bin'],
    ['BASE', '0'],
  ]);
  const set = (name: string, value: string): void => {
    env.delete(name);
    env.set(name, value);
  };
  for (const stage of chain) {
    for (const [name, value] of image) set(name, value);
    for (const { keyword, name, value } of stage) {
      set(name, value);
      if (keyword === 'ENV') image.set(name, value);
    }
  }
  return [...env].map(([name, value]) => `${name}=${value}`);
}
