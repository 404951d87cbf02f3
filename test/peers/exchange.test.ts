import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { outputOf } from '../e2e/setting.ts';
import { startBaseRegistry } from '../support/base-registry.ts';
import { BASE_NEEDS } from '../support/bases.ts';
import { compareTrees } from '../support/compare-images.ts';
import { DOCKERD_NEEDS, type Dockerd, startDockerd } from '../support/dockerd.ts';
import { type ExecResult, exec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { readImage, type Tree } from '../support/image-tree.ts';
import { missingNeeds } from '../support/machine.ts';
import { findNewestDocker } from '../support/newest-docker.ts';
import { stepsThatRan } from '../support/raw-steps.ts';
import type { Registry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild } from '../support/tsbuild.ts';

/** Caches that one builder leaves and another one takes: BuildKit 0.25, in docker, and tsbuild. */

const FILES: Readonly<Record<string, string>> = {
  Dockerfile: `ARG REGISTRY
FROM $REGISTRY/busybox:1 AS base
WORKDIR /work
RUN echo base > base.txt
FROM base AS build
ARG VERSION=1
COPY src/ /src/
RUN cat /src/a.txt > /out.txt && mkdir /dist && cp /out.txt /dist/x && echo $VERSION > /dist/version
FROM base
COPY --from=build /dist /dist
COPY --link b.txt /linked/b.txt
ADD --chmod=600 src/a.txt /added
RUN --mount=type=bind,source=b.txt,target=/m.txt --mount=type=cache,target=/c --mount=type=tmpfs,target=/t cat /m.txt > /m2.txt
RUN --mount=type=bind,from=build,source=/dist,target=/d cp /d/x /d2.txt
COPY <<EOT /here
text
EOT
ENV A=b
USER 1000
RUN echo $A > /tmp/env.txt
CMD ["sh"]
`,
  'src/a.txt': 'hello\n',
  'src/deep/c.txt': 'c\n',
  'b.txt': 'b\n',
};

interface Meeting {
  readonly work: string;
  readonly context: string;
  readonly registry: Registry;
  readonly docker: Dockerd;
  /** Builds in an empty builder. */
  readonly buildkit: (...flags: string[]) => Promise<Built>;
  /** Builds in an empty store. */
  readonly tsbuild: (...flags: string[]) => Promise<Built>;
}

interface Built {
  /** The steps that ran. */
  readonly ran: readonly string[];
  readonly output: string;
}

const needs = [...DOCKERD_NEEDS, ...BASE_NEEDS.busybox, 'docker-registry', 'skopeo'] as const;
const missing = missingNeeds(needs as never);
const programs = missing.length === 0 ? await findNewestDocker() : undefined;
const skipped = programs === undefined ? ` (needs ${missing.join(', ') || 'a newer docker of Debian'})` : '';
const meet = (title: string, run: (t: ExecutionContext, meeting: Meeting) => Promise<void>): void => {
  if (programs === undefined) {
    test.skip(`${title}${skipped}`, () => {});
    return;
  }
  test.serial(title, async (t) => run(t, await openMeeting(t)));
};

let shared: Promise<Pick<Meeting, 'registry' | 'docker'>> | undefined;

test.after.always(async () => {
  const opened = await shared;
  await opened?.docker.stop();
  await opened?.registry.stop();
});

async function openMeeting(t: ExecutionContext): Promise<Meeting> {
  shared ??= (async () => ({
    registry: await startBaseRegistry(['busybox']),
    docker: await startDockerd({ programs: programs as NonNullable<typeof programs>, containerdStore: true }),
  }))();
  const { registry, docker } = await shared;
  const work = makeTempDir('exchange');
  t.teardown(() => removeTree(work));
  const context = join(work, 'context');
  mkdirSync(context);
  writeFiles(context, FILES);
  // The network is a part of BuildKit's keys, and the daemon has none but the host's.
  const common = ['--network=host', '--progress=rawjson', `--build-arg=REGISTRY=${registry.host}`];
  let stores = 0;
  return {
    work,
    context,
    registry,
    docker,
    async buildkit(...flags) {
      await docker.run(['buildx', 'prune', '-af']);
      const result = await docker.run(['buildx', 'build', '--provenance=false', ...common, ...flags, context]);
      return checkBuilt(t, result);
    },
    async tsbuild(...flags) {
      const tsbuild = openTsbuild(join(work, `store-${stores++}`));
      const result = await tsbuild.run(['build', ...common, ...flags, context]);
      return checkBuilt(t, result);
    },
  };
}

function checkBuilt(t: ExecutionContext, result: ExecResult): Built {
  t.is(result.code, 0, result.stderr);
  const output = outputOf(result);
  return { ran: stepsThatRan(output), output };
}

function checkNoneRan(t: ExecutionContext, { ran, output }: Built): void {
  t.deepEqual(ran, [], output);
}

async function readPushed({ work }: Meeting, reference: string): Promise<Tree> {
  const folder = join(work, 'pulled');
  rmSync(folder, { recursive: true, force: true });
  await exec('skopeo', [
    'copy',
    '--insecure-policy',
    '--src-tls-verify=false',
    `docker://${reference}`,
    `oci:${folder}:1`,
  ]);
  return readImage(folder).tree;
}

for (const mode of ['max', 'min'])
  meet(`what docker leaves, tsbuild takes: mode=${mode}`, async (t, meeting) => {
    const { registry, work, buildkit, tsbuild } = meeting;
    const ref = `${registry.host}/docker-cache:${mode}`;
    const dest = join(work, 'cache');
    const first = `${registry.host}/docker:${mode}`;
    await buildkit(
      `--cache-to=type=registry,ref=${ref},mode=${mode}`,
      `--cache-to=type=local,dest=${dest},mode=${mode}`,
      '--push',
      '-t',
      first,
    );
    const expected = await readPushed(meeting, first);
    for (const source of [ref, `type=local,src=${dest}`]) {
      const name = `${registry.host}/tsbuild:${mode}`;
      checkNoneRan(t, await tsbuild(`--cache-from=${source}`, '--push', '-t', name));
      t.deepEqual(
        compareTrees(await readPushed(meeting, name), expected, { mtimeOf: ['work/', 'dist/', 'm2.txt'] }),
        [],
      );
    }
  });

for (const mode of ['max', 'min'])
  meet(`what tsbuild leaves, docker takes: mode=${mode}`, async (t, meeting) => {
    const { registry, work, buildkit, tsbuild } = meeting;
    const dest = join(work, 'cache');
    const ref = `${registry.host}/tsbuild-cache:${mode}`;
    const first = `${registry.host}/tsbuild-first:${mode}`;
    await tsbuild(
      `--cache-to=type=registry,ref=${ref},mode=${mode}`,
      `--cache-to=type=local,dest=${dest},mode=${mode}`,
      '--push',
      '-t',
      first,
    );
    const expected = await readPushed(meeting, first);
    for (const source of [`type=registry,ref=${ref}`, `type=local,src=${dest}`]) {
      const name = `${registry.host}/docker-second:${mode}`;
      checkNoneRan(t, await buildkit(`--cache-from=${source}`, '--push', '-t', name));
      t.deepEqual(
        compareTrees(await readPushed(meeting, name), expected, { mtimeOf: ['work/', 'dist/', 'm2.txt'] }),
        [],
      );
    }
  });

meet('the cache in an image, both ways', async (t, { registry, buildkit, tsbuild }) => {
  const docker = `${registry.host}/inline:docker`;
  await buildkit('--cache-to=type=inline', '--push', '-t', docker);
  checkNoneRan(t, await tsbuild(`--cache-from=${docker}`));
  const own = `${registry.host}/inline:tsbuild`;
  await tsbuild('--cache-to=type=inline', '--push', '-t', own);
  checkNoneRan(t, await buildkit(`--cache-from=type=registry,ref=${own}`));
});

meet('after a change both run the same steps', async (t, { registry, context, buildkit, tsbuild }) => {
  const docker = `${registry.host}/changed:docker`;
  const own = `${registry.host}/changed:tsbuild`;
  await buildkit(`--cache-to=type=registry,ref=${docker},mode=max`);
  await tsbuild(`--cache-to=type=registry,ref=${own},mode=max`);
  const sorted = ({ ran }: Built): string[] => [...new Set(ran)].sort();
  for (const [file, content] of [
    ['b.txt', 'changed\n'],
    ['src/a.txt', 'changed\n'],
  ] as const) {
    writeFileSync(join(context, file), content);
    const expected = sorted(await buildkit(`--cache-from=type=registry,ref=${docker}`));
    t.true(expected.length > 0);
    t.deepEqual(sorted(await tsbuild(`--cache-from=${docker}`)), expected, `${file}, from docker`);
    t.deepEqual(sorted(await tsbuild(`--cache-from=${own}`)), expected, `${file}, from tsbuild`);
    t.deepEqual(
      sorted(await buildkit(`--cache-from=type=registry,ref=${own}`)),
      expected,
      `${file}, docker from tsbuild`,
    );
    writeFileSync(join(context, file), FILES[file] ?? '');
  }
});
