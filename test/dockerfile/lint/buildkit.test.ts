import test from 'ava';
import { RULES } from '../../../src/dockerfile/lint/index.ts';
import { describeWarnings, lintFixture, listFixtures } from './support.ts';

const fixtures = listFixtures('buildkit');

for (const fixture of fixtures)
  test(`as in ${fixture.spec.verified}: ${fixture.name}`, async (t) => {
    const { warnings, error } = await lintFixture(fixture);
    const theirs = warnings.filter(({ rule }) => rule.own !== true);
    t.deepEqual(describeWarnings(theirs), [...fixture.spec.warnings]);
    t.is(error !== undefined, fixture.spec.refused === true, String(error));
  });

test("BuildKit's 22 rules are there, and each has a case that fires and one that does not", (t) => {
  const rules = RULES.filter(({ own }) => own !== true).map(({ name }) => name);
  t.is(rules.length, 22);
  for (const rule of rules) {
    const own = fixtures.filter(({ name }) => name.startsWith(`${rule}/`));
    const fires = own.filter(({ spec }) => spec.warnings.some((warning) => warning.rule === rule));
    t.true(fires.length > 0, `${rule} never fires`);
    t.true(fires.length < own.length, `${rule} always fires`);
  }
});
