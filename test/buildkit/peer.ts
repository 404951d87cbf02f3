import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startBaseRegistry } from '../support/base-registry.ts';
import { BASE_NEEDS } from '../support/bases.ts';
import { DOCKERD_NEEDS, type Dockerd, startDockerd } from '../support/dockerd.ts';
import { makeRepository, startGitHttp } from '../support/git-server.ts';
import { missingNeeds } from '../support/machine.ts';
import { type DockerPrograms, findNewestDocker } from '../support/newest-docker.ts';
import type { Registry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import type { WebServer } from '../support/web-server.ts';
import { type Fixture, fillIn, GIT_COMMIT, GIT_FILES, writeContext } from './fixtures.ts';

/** A docker that exports and imports caches, a registry with the base, and a repository. */
export interface Peer {
  readonly docker: Dockerd;
  readonly registry: Registry;
  readonly git: WebServer;
  /** Removed at the end. */
  readonly root: string;
  stop(): Promise<void>;
}

const missing = missingNeeds([...DOCKERD_NEEDS, ...BASE_NEEDS.busybox, 'docker-registry', 'skopeo', 'git']);
const programs = missing.length === 0 ? await findNewestDocker() : undefined;

/** Tests of one file with one docker, one after the other; skipped where none that is new enough can be fetched or run. */
export function testWithPeer(title: string, run: (t: ExecutionContext, peer: Peer) => Promise<void>): void {
  if (programs === undefined) {
    test.skip(`${title} (needs ${missing.join(', ') || 'a newer docker of Debian'})`, () => {});
    return;
  }
  test.serial(title, async (t) => {
    started ??= startPeer(programs);
    await run(t, await started);
  });
}

let started: Promise<Peer> | undefined;

test.after.always(async () => (await started)?.stop());

async function startPeer(programs: DockerPrograms): Promise<Peer> {
  const registry = await startBaseRegistry(['busybox']);
  const docker = await startDockerd({ programs, containerdStore: true });
  const root = makeTempDir('buildkit');
  const repository = await makeRepository(join(root, 'git', 'repo.git'));
  if ((await repository.commit(GIT_FILES)) !== GIT_COMMIT) throw new Error('the repository is another than it was');
  await repository.git('tag', '-a', 'v1', '-m', 'v1');
  const git = await startGitHttp(join(root, 'git'));
  return {
    docker,
    registry,
    git,
    root,
    async stop() {
      await git.stop();
      await docker.stop();
      await registry.stop();
      removeTree(root);
    },
  };
}

/** A fixture as files. */
export interface Prepared {
  readonly context: string;
  readonly dockerfile: string;
  readonly text: string;
  readonly secret: string;
  /** Context folders by name. */
  readonly contexts: Readonly<Record<string, string>>;
  /** What both builders are told, context and Dockerfile included. */
  readonly flags: readonly string[];
}

export function prepare(fixture: Fixture, folder: string, { registry, git }: Peer): Prepared {
  const { buildArgs = {}, hosts = {}, ignore } = fixture;
  const [context, dockerfile, secret] = ['context', 'Dockerfile', 'secret'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(context, { recursive: true });
  writeContext(context);
  if (ignore !== undefined) writeFileSync(join(context, '.dockerignore'), ignore);
  const text = fillIn(fixture, { base: `${registry.host}/busybox:1`, git: `${git.url}/repo.git` });
  writeFileSync(dockerfile, text);
  writeFileSync(secret, 'sesame');
  const contexts = Object.fromEntries(
    Object.entries(fixture.contexts ?? {}).map(([name, path]) => [name, join(context, path)]),
  );
  const flags = [
    '--network=host',
    '--progress=rawjson',
    ...Object.entries(buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...Object.entries(contexts).map(([name, path]) => `--build-context=${name}=${path}`),
    ...Object.entries(hosts).map(([name, address]) => `--add-host=${name}:${address}`),
    ...(fixture.secret === undefined ? [] : [`--secret=id=${fixture.secret},src=${secret}`]),
    `--file=${dockerfile}`,
    context,
  ];
  return { context, dockerfile, text, secret, contexts, flags };
}
