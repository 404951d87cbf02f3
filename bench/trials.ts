import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startBaseRegistry } from '../test/support/base-registry.ts';
import { startRegistry } from '../test/support/registry.ts';
import type { Contender } from './contenders.ts';
import {
  changeOneFile,
  writeBaseOnly,
  writeHugeContext,
  writeManyFiles,
  writeRunOnLargeBase,
  writeRuns,
  writeStages,
  writeTalkative,
  writeTwentySteps,
} from './contexts.ts';

/** What a trial may use. */
export interface TrialEnvironment {
  /** Folder on the bench disk, for this trial and all contenders. */
  readonly dir: string;
  /** Registry that holds the base. */
  readonly registry: string;
  readonly files: number;
  readonly bytes: number;
}

export interface Trial {
  readonly name: string;
  readonly title: string;
  /** Runs of the trial are this many times fewer than asked for: it is slow. */
  readonly heavy?: boolean;
  /** Makes the inputs, once for all contenders. */
  prepare(environment: TrialEnvironment): void;
  /** Brings a contender to where its runs begin; not timed. */
  warmUp?(contender: Contender, environment: TrialEnvironment): Promise<void>;
  /** One run; answers the seconds that count. */
  run(contender: Contender, environment: TrialEnvironment, run: number): Promise<number>;
}

const buildWith = (
  contender: Contender,
  { dir, registry }: TrialEnvironment,
  context: string,
  nonce = '',
): Promise<void> =>
  contender.build(join(dir, context), `${context}:1`, {
    buildArgs: { REGISTRY: registry, ...(nonce === '' ? {} : { NONCE: nonce }) },
  });

const prepareFiles = ({ dir, files, bytes }: TrialEnvironment): void => {
  writeManyFiles(join(dir, 'files'), files, bytes);
  writeBaseOnly(join(dir, 'base'));
};

const buildFiles = (contender: Contender, environment: TrialEnvironment): Promise<void> =>
  buildWith(contender, environment, 'files');

export const TRIALS: readonly Trial[] = [
  {
    name: 'cached',
    title: 'cached rebuild, 20 steps',
    prepare: ({ dir }) => writeTwentySteps(join(dir, 'steps')),
    warmUp: (contender, environment) => buildWith(contender, environment, 'steps'),
    run: (contender, environment) => timed(() => buildWith(contender, environment, 'steps')),
  },
  ...[100, 400].map(
    (steps): Trial => ({
      name: `cached-${steps}`,
      title: `cached rebuild, ${steps} steps in ${steps / 20} stages`,
      prepare: ({ dir }) => writeStages(join(dir, `steps-${steps}`), steps / 20),
      warmUp: (contender, environment) => buildWith(contender, environment, `steps-${steps}`),
      run: (contender, environment) => timed(() => buildWith(contender, environment, `steps-${steps}`)),
    }),
  ),
  {
    name: 'run',
    title: 'one more RUN (21 against 1, by 20)',
    prepare: ({ dir }) => {
      writeRuns(join(dir, 'one'), 1);
      writeRuns(join(dir, 'many'), 21);
    },
    warmUp: (contender, environment) => buildWith(contender, environment, 'one', 'warm'),
    run: async (contender, environment, run) => {
      const nonce = `${run}-${Date.now()}`;
      const one = await timed(() => buildWith(contender, environment, 'one', nonce));
      const many = await timed(() => buildWith(contender, environment, 'many', `${nonce}-many`));
      return (many - one) / 20;
    },
  },
  {
    name: 'log',
    title: 'one RUN that prints 256 MiB',
    heavy: true,
    prepare: ({ dir }) => {
      writeBaseOnly(join(dir, 'base'));
      writeTalkative(join(dir, 'talkative'), 256 * 1024 ** 2);
    },
    warmUp: (contender, environment) => buildWith(contender, environment, 'base'),
    run: (contender, environment, run) =>
      timed(() => buildWith(contender, environment, 'talkative', `${run}-${Date.now()}`)),
  },
  {
    name: 'cold-copy',
    title: 'cold COPY of many files',
    heavy: true,
    prepare: prepareFiles,
    run: async (contender, environment) => {
      await contender.reset();
      await buildWith(contender, environment, 'base');
      return timed(() => buildFiles(contender, environment));
    },
  },
  {
    name: 'cached-context',
    title: 'cached rebuild, many files in the context',
    prepare: prepareFiles,
    warmUp: buildFiles,
    run: (contender, environment) => timed(() => buildFiles(contender, environment)),
  },
  {
    name: 'cached-huge-context',
    title: 'cached rebuild, 100,000 small files in the context, ten steps that read them',
    heavy: true,
    prepare: ({ dir }) => writeHugeContext(join(dir, 'huge')),
    warmUp: (contender, environment) => buildWith(contender, environment, 'huge'),
    run: (contender, environment) => timed(() => buildWith(contender, environment, 'huge')),
  },
  {
    name: 'changed-file',
    title: 'rebuild after one of the many files changed',
    heavy: true,
    prepare: prepareFiles,
    warmUp: buildFiles,
    run: (contender, environment, run) => {
      changeOneFile(join(environment.dir, 'files'), run);
      return timed(() => buildFiles(contender, environment));
    },
  },
  {
    name: 'export',
    title: 'export to a file (docker-archive)',
    heavy: true,
    prepare: prepareFiles,
    warmUp: buildFiles,
    run: async (contender, { dir }) => {
      const dest = join(dir, 'export.tar');
      const seconds = await timed(() => contender.save('files:1', dest));
      if (statSync(dest).size === 0) throw new Error(`${contender.name} exported nothing`);
      rmSync(dest);
      return seconds;
    },
  },
  {
    name: 'push',
    title: 'push to an empty registry',
    heavy: true,
    prepare: prepareFiles,
    warmUp: buildFiles,
    run: async (contender, { dir }) => {
      const registry = await startRegistry({ root: join(dir, 'push-target') });
      try {
        return await timed(() => contender.push('files:1', `${registry.host}/files:1`));
      } finally {
        await registry.stop();
        rmSync(registry.root, { recursive: true });
      }
    },
  },
  {
    name: 'pulled-base',
    title: 'first RUN on a large base that is pulled for it',
    heavy: true,
    prepare: (environment) => {
      prepareFiles(environment);
      writeRunOnLargeBase(join(environment.dir, 'on-files'));
    },
    run: async (contender, environment) => {
      const registry = await startBaseRegistry(['busybox']);
      const pulling = { ...environment, registry: registry.host };
      try {
        await contender.reset();
        await buildFiles(contender, environment);
        await contender.push('files:1', `${registry.host}/files:1`);
        await contender.reset();
        return await timed(() => buildWith(contender, pulling, 'on-files'));
      } finally {
        await registry.stop();
      }
    },
  },
  {
    name: 'pull',
    title: 'pull into an empty store (tsbuild unpacks later, when a step needs it)',
    heavy: true,
    prepare: prepareFiles,
    run: async (contender, environment) => {
      const registry = await startBaseRegistry(['busybox']);
      const reference = `${registry.host}/files:1`;
      try {
        await contender.reset();
        await buildFiles(contender, environment);
        await contender.push('files:1', reference);
        await contender.reset();
        return await timed(() => contender.pull(reference));
      } finally {
        await registry.stop();
      }
    },
  },
];

async function timed(action: () => Promise<void>): Promise<number> {
  const started = process.hrtime.bigint();
  await action();
  return Number(process.hrtime.bigint() - started) / 1e9;
}
