// Holds the table against docker's BuildKit: `node out/test/keys/prove.js [buildkit|tsbuild] [scenario...]`. It prints each row on which the
// builder does not do what the table says it does.
import { makeLimit } from '../support/limit.ts';
import { SCENARIOS } from './rows/index.ts';
import { type BuilderName, openWorld } from './world.ts';

const [name = 'buildkit', ...only] = process.argv.slice(2) as [BuilderName?, ...string[]];
const scenarios = SCENARIOS.filter((scenario) => only.length === 0 || only.includes(scenario.name));
const world = await openWorld([name]);
const limit = makeLimit(4);
let [same, different] = [0, 0];
try {
  const prove = async (scenario: (typeof SCENARIOS)[number]): Promise<void> => {
    if (name === 'buildkit' && scenario.noPeer !== undefined)
      return console.log(`left out  ${scenario.name}: ${scenario.noPeer}`);
    for (const { row, expected, executed } of await world.run(scenario, name)) {
      if (JSON.stringify(expected) === JSON.stringify(executed)) {
        same += 1;
        continue;
      }
      different += 1;
      console.log(`different ${scenario.name}: ${row.change}`);
      console.log(`            the table says ${JSON.stringify(expected)}`);
      console.log(`            ran            ${JSON.stringify(executed)}`);
    }
  };
  const failed = (scenario: (typeof SCENARIOS)[number]) => (error: unknown) => {
    different += 1;
    console.log(`failed    ${scenario.name}: ${String(error)}`);
  };
  await Promise.all(scenarios.map((scenario) => limit(() => prove(scenario)).catch(failed(scenario))));
  console.log(`${same} rows as the table says, ${different} not`);
} finally {
  await world.stop();
}
process.exitCode = different === 0 ? 0 : 1;
