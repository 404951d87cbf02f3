// Compares any two builders over the cases: `node out/test/peers/prove.js docker buildah [case...]`.
// It shows where the peers themselves disagree, which is what known-differences.ts must know, and helps to look into one case.
import { compareHistory, compareImages } from '../support/compare-images.ts';
import { loadCases } from './cases.ts';
import { type BuilderName, openSession } from './session.ts';

const [left, right, ...only] = process.argv.slice(2) as [BuilderName, BuilderName, ...string[]];
const cases = loadCases().filter((buildCase) => only.length === 0 || only.includes(buildCase.name));
const session = await openSession([left, right], cases);
try {
  await Promise.all(
    cases.map(async (buildCase) => {
      const outcomes = await session.build(buildCase, [left, right]);
      const [a, b] = [outcomes.get(left), outcomes.get(right)];
      if (a === undefined || b === undefined) return;
      const lines =
        'image' in a && 'image' in b
          ? [
              ...compareImages(a.image, b.image, { mtimeOf: buildCase.mtimeOf ?? [] }),
              ...compareHistory(a.image, b.image),
            ]
          : [`${left}: ${describe(a)}`, `${right}: ${describe(b)}`];
      console.log(`${lines.length === 0 ? 'same     ' : 'different'} ${buildCase.name}`);
      for (const line of lines.slice(0, 40)) console.log(`            ${line}`);
    }),
  );
} finally {
  await session.close();
}

function describe(outcome: { image: unknown } | { error: string }): string {
  return 'error' in outcome ? `failed: ${outcome.error.slice(-1200).replaceAll('\n', '\n              ')}` : 'built';
}
