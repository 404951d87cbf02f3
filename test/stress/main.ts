// node out/test/stress/main.js [builds] [seed] [jobs]: builds in parallel processes on one store, of which some are killed while others
// remove things. Ends with 1 when anything was wrong; TSBUILD_KEEP_STRESS=1 keeps the store then.
import { availableParallelism } from 'node:os';
import { runBuilds } from './run-builds.ts';

const [builds = 100, seed = Date.now() % 100_000, jobs = 3 * availableParallelism()] = process.argv
  .slice(2)
  .map(Number);
console.log(`${builds} builds, ${jobs} at once, seed ${seed}`);
const report = await runBuilds({ builds, seed, jobs, log: (line) => console.log(line) });
const { finished, killed, waits, upkeeps, faults } = report;
console.log(`${finished} finished, ${killed} killed, ${waits} waited for another, ${upkeeps} prunes and removals`);
for (const fault of faults) console.log(`FAULT ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
