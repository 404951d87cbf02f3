// Each case of fixtures/build through tsbuild and through the peers that are installed: the images must be the same, but
// for the differences that are meant.
import test from 'ava';
import { BASE_NEEDS } from '../support/bases.ts';
import { BUILDAH_NEEDS } from '../support/buildah.ts';
import { compareHistory, compareImages } from '../support/compare-images.ts';
import { DOCKERD_NEEDS } from '../support/dockerd.ts';
import { missingNeeds, type Need } from '../support/machine.ts';
import { testNeeding } from '../support/needs.ts';
import { findNewestDocker } from '../support/newest-docker.ts';
import { type BuildCase, loadCases, type PeerName } from './cases.ts';
import { compareExpected } from './expected.ts';
import { unexplained } from './known-differences.ts';
import { openSession, type Session } from './session.ts';

const hasNewest = (await findNewestDocker()) !== undefined;
const PEER_NEEDS: Readonly<Record<PeerName, readonly Need[]>> = {
  buildkit: hasNewest ? [] : ['a newer docker from the mirror'],
  docker: DOCKERD_NEEDS,
  buildah: BUILDAH_NEEDS,
};
const PEERS = (['buildkit', 'docker', 'buildah'] as const).filter(
  (peer) => missingNeeds(PEER_NEEDS[peer]).length === 0,
);
/** The first peer of a case that is installed is enough, unless all are asked for. */
const ALL_PEERS = process.env.TSBUILD_TEST_PEERS === 'all';
const COMMON_NEEDS: readonly Need[] = ['root', 'docker-registry', 'skopeo'];

const cases = loadCases();
let session: Promise<Session> | undefined;
const peersOf = ({ peers }: BuildCase): readonly PeerName[] => {
  const installed = peers.filter((peer) => PEERS.includes(peer));
  return ALL_PEERS ? installed : installed.slice(0, 1);
};
const openOnce = (): Promise<Session> => {
  // Only those that some case needs are started.
  session ??= openSession(['tsbuild', ...new Set(cases.flatMap(peersOf))], cases);
  return session;
};
test.after.always(async () => (await session)?.close());

for (const buildCase of cases) {
  const peers = peersOf(buildCase);
  // A case needs one of its peers, or none where the expected result is written down.
  const peerNeeds =
    peers.length > 0 || buildCase.peers.length === 0 ? [] : buildCase.peers.flatMap((peer) => PEER_NEEDS[peer]);
  const needs = [...COMMON_NEEDS, ...buildCase.bases.flatMap((base) => BASE_NEEDS[base]), ...peerNeeds];

  testNeeding([...new Set(needs)], buildCase.name, async (t) => {
    const outcomes = await (await openOnce()).build(buildCase, ['tsbuild', ...peers]);
    const ours = outcomes.get('tsbuild');
    if (ours === undefined) throw new Error('tsbuild was not run');

    if (buildCase.expectError !== undefined) {
      if (!('error' in ours)) return t.fail('the build succeeded; it must fail');
      t.regex(ours.error, new RegExp(buildCase.expectError, 'i'));
      for (const peer of peers) t.true('error' in (outcomes.get(peer) ?? {}), `${peer} builds it`);
      return undefined;
    }
    if ('error' in ours) return t.fail(`tsbuild failed:\n${ours.error.slice(-4000)}`);
    if (buildCase.peers.length === 0) t.deepEqual(compareExpected(buildCase, ours.image), []);
    for (const peer of peers) {
      const theirs = outcomes.get(peer);
      if (theirs === undefined || 'error' in theirs) return t.fail(`${peer} failed:\n${theirs?.error.slice(-4000)}`);
      const lines = compareImages(ours.image, theirs.image, { mtimeOf: buildCase.mtimeOf ?? [] });
      // Builders tell their steps each in their own words; only BuildKit's are promised.
      if (peer !== 'buildah') lines.push(...compareHistory(ours.image, theirs.image));
      t.deepEqual(unexplained(peer, buildCase.name, lines), [], `tsbuild != ${peer}`);
    }
    return undefined;
  });
}
