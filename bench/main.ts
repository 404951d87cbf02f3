import { mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBaseRegistry } from '../test/support/base-registry.ts';
import { type Contender, type ContenderName, openContender } from './contenders.ts';
import { makeBenchDisk } from './disk.ts';
import { formatTable, runTrial, type TrialResult } from './runner.ts';
import { TRIALS } from './trials.ts';

const HELP = `npm run bench -- [options]
  --runs N             runs of each trial (default 5; slow trials take half of them)
  --trial NAME         only this trial; may be repeated (${TRIALS.map((trial) => trial.name).join(', ')})
  --contender NAME     only this one; may be repeated (tsbuild, docker, buildah)
  --files N            files in the large context (default 20000, of 10 KB each)`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    trial: { type: 'string', multiple: true, default: [] },
    contender: { type: 'string', multiple: true, default: ['tsbuild', 'docker', 'buildah'] },
    files: { type: 'string', default: '20000' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (process.getuid?.() !== 0) throw new Error('the bench needs root: it mounts a disk and starts a dockerd');
  const trials = TRIALS.filter((trial) => values.trial.length === 0 || values.trial.includes(trial.name));
  const files = Number(values.files);
  const disk = await makeBenchDisk();
  const contenders: Contender[] = [];
  const registry = await startBaseRegistry(['busybox']);
  const note = (text: string): void => console.error(text);
  const cleanUp = async (): Promise<void> => {
    for (const contender of contenders) await contender.stop();
    await registry.stop();
    await disk.remove();
  };
  process.once('SIGINT', () => {
    void cleanUp().finally(() => process.exit(130));
  });
  try {
    for (const name of values.contender) {
      const contender = await openContender(name as ContenderName, disk.path);
      if (contender === undefined) note(`${name} is not installed`);
      else contenders.push(contender);
    }
    const dir = join(disk.path, 'trials');
    mkdirSync(dir);
    const environment = { dir, registry: registry.host, files, bytes: files * 10_000 };
    const results: TrialResult[] = [];
    for (const trial of trials) {
      note(`${trial.title} ...`);
      results.push(await runTrial(trial, contenders, { runs: Number(values.runs), environment, onNote: note }));
    }
    const versions = contenders.map((contender) => `${contender.name} ${contender.version}`).join(', ');
    console.log(`\n${cpus().length} cores; ${versions}; ${disk.note}; ${files} files in the large context; medians.\n`);
    const names = contenders.map((contender) => contender.name);
    console.log(formatTable(results, names));
  } finally {
    await cleanUp();
  }
}

await main();
