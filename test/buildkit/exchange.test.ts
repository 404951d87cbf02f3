import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { compareImages } from '../support/compare-images.ts';
import type { ExecResult } from '../support/exec.ts';
import { type ImageContent, readImage } from '../support/image-tree.ts';
import { stepsThatRan } from '../support/raw-steps.ts';
import { openTsbuild } from '../support/tsbuild.ts';
import { FIXTURES, type Fixture } from './fixtures.ts';
import { type Peer, prepare, testWithPeer } from './peer.ts';

/**
 * Caches that travel: what docker built is a step that tsbuild need not run, and the other way round, and the image is the same as when
 * each builds alone.
 */

const NAMES = [
  'run-heredoc',
  'run-mounts',
  'cache-owned-tree',
  'copy',
  'copy-owners',
  'copy-from',
  'copy-link',
  'add-git',
  'stages',
  'scratch',
  'workdir-epoch',
];

for (const fixture of FIXTURES.filter(({ name }) => NAMES.includes(name))) {
  testWithPeer(`no step runs again with the other's cache: ${fixture.name}`, async (t, peer) => {
    await exchange(t, fixture, peer);
  });
}

testWithPeer('what changed runs again, and no more', async (t, peer) => {
  const { docker, root } = peer;
  const dockerfile = `FROM {BASE} AS tools
COPY b /b
RUN echo tool > /tool
FROM {BASE}
COPY --from=tools /tool /tool
COPY a /a
RUN cat /a
FROM {BASE}
COPY --from=1 /tool /again
COPY --from=1 /a /a
COPY d /d
RUN --mount=target=/c,source=other cat /c/x
`;
  const fixture = { name: 'changed', dockerfile };
  const { context, flags } = prepare(fixture, join(root, fixture.name), peer);
  const cache = join(root, fixture.name, 'cache');
  const tsbuild = openTsbuild();
  t.teardown(() => tsbuild.stop());
  const buildTheirs = (...options: string[]) =>
    docker.run(['buildx', 'build', '--provenance=false', '--output=type=cacheonly', ...options, ...flags]);
  check(await buildTheirs('--no-cache', `--cache-to=type=local,dest=${cache},mode=max`));

  // The same content under another time; another tool on the way to the same result; another file.
  writeFileSync(join(context, 'a'), 'hello\n');
  writeFileSync(join(context, 'b'), 'another\n');
  writeFileSync(join(context, 'd/b'), 'another\n');
  const expected = ['COPY b /b', 'COPY d /d', 'RUN echo tool > /tool'];
  const mount = 'RUN --mount=target=/c,source=other cat /c/x';
  const ours = check(
    await tsbuild.run([
      'build',
      `--cache-from=type=local,src=${cache}`,
      `--cache-to=type=local,dest=${cache}-2,mode=max`,
      ...flags,
    ]),
  );
  checkRun(t, ours, [...expected, mount].sort());

  // From ours, which has both, the other builder runs nothing.
  check(await docker.run(['buildx', 'prune', '--all', '--force']));
  checkRun(t, check(await buildTheirs(`--cache-from=type=local,src=${cache}-2`)), []);
  writeFileSync(join(context, 'other/x'), 'another\n');
  check(await docker.run(['buildx', 'prune', '--all', '--force']));
  checkRun(t, check(await buildTheirs(`--cache-from=type=local,src=${cache}-2`)), [mount]);
});

async function exchange(t: ExecutionContext, fixture: Fixture, peer: Peer): Promise<void> {
  const { docker, root } = peer;
  const folder = join(root, fixture.name);
  const { flags } = prepare(fixture, folder, peer);
  const at = (name: string): string => join(folder, name);
  const buildByDocker = (...options: string[]) =>
    docker.run(['buildx', 'build', '--provenance=false', ...options, ...flags]);
  const buildAnew = async (...options: string[]) => {
    const tsbuild = openTsbuild();
    try {
      return await tsbuild.run(['build', ...options, ...flags]);
    } finally {
      tsbuild.stop();
    }
  };

  const theirs = [`--output=type=oci,dest=${at('docker.tar')}`, `--cache-to=type=local,dest=${at('docker')},mode=max`];
  check(await buildByDocker(...theirs));
  const fromTheirs = check(
    await buildAnew(`--cache-from=type=local,src=${at('docker')}`, `--output=type=oci,dest=${at('from-docker.tar')}`),
  );
  checkRun(t, fromTheirs, []);

  check(await buildAnew(`--cache-to=type=local,dest=${at('tsbuild')},mode=max`));
  check(await docker.run(['buildx', 'prune', '--all', '--force']));
  const fromOurs = check(
    await buildByDocker(
      `--cache-from=type=local,src=${at('tsbuild')}`,
      `--output=type=oci,dest=${at('from-tsbuild.tar')}`,
    ),
  );
  checkRun(t, fromOurs, []);

  const built = readImage(at('docker.tar'));
  t.deepEqual(compare(readImage(at('from-docker.tar')), built), []);
  t.deepEqual(compare(readImage(at('from-tsbuild.tar')), built), []);
}

/**
 * Attributes of users are lost in the layers that docker makes itself, and kept in those that it takes from us. In a directory of git's
 * there are times, and what docker happened to fetch before for other steps: tags, and objects.
 */
function compare(image: ImageContent, built: ImageContent): string[] {
  const isUsual = (line: string): boolean =>
    /: xattrs \{("user\.|.*!= \{"user\.)/.test(line) || /^\S*\/\.git\/(index|objects|refs\/tags)\b/.test(line);
  return compareImages(image, built).filter((line) => !isUsual(line));
}

/** The names of the steps that were not found in any cache. */
function checkRun(t: ExecutionContext, { stderr, stdout }: ExecResult, expected: readonly string[]): void {
  const output = `${stdout}\n${stderr}`;
  t.deepEqual([...stepsThatRan(output)].sort(), expected, output);
}

function check(result: ExecResult): ExecResult {
  if (result.code !== 0) throw new Error(`${result.stdout}\n${result.stderr}`);
  return result;
}
