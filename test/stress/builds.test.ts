// A small edition of what main.ts does at length.
import { SETTING_NEEDS } from '../e2e/setting.ts';
import { testNeeding } from '../support/needs.ts';
import { runBuilds } from './run-builds.ts';

testNeeding(
  SETTING_NEEDS,
  'overlapping builds at once on one store, some killed, things removed between',
  async (t) => {
    const report = await runBuilds({ builds: 16, seed: 7, jobs: 6, killChance: 0.25 });
    t.deepEqual(report.faults, []);
    t.true(report.finished > 8);
    t.true(report.killed > 0);
  },
);
