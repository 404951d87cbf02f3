import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBaseRegistry } from './base-registry.ts';
import { BASE_NEEDS } from './bases.ts';
import { BUILDAH_NEEDS, openBuildah } from './buildah.ts';
import { DOCKERD_NEEDS, startDockerd } from './dockerd.ts';
import { mountsBelow } from './mounts.ts';
import { testNeeding } from './needs.ts';
import { makeTempDir, removeTree } from './temp.ts';

const DOCKERFILE = 'ARG REGISTRY\nFROM $REGISTRY/busybox:1\nRUN id >/who\n';
const BASES = ['docker-registry', 'skopeo', ...BASE_NEEDS.busybox];

testNeeding(
  [...DOCKERD_NEEDS, ...BASES],
  'a dockerd of its own builds from a registry of bases, and leaves nothing',
  async (t) => {
    const root = makeTempDir('docker');
    const registry = await startBaseRegistry(['busybox']);
    t.teardown(() => registry.stop());
    const docker = await startDockerd({ root });
    writeFileSync(join(root, 'Dockerfile'), DOCKERFILE);
    const built = await docker.run([
      'build',
      '--network=host',
      `--build-arg=REGISTRY=${registry.host}`,
      '-t',
      'x',
      root,
    ]);
    await docker.stop();
    t.is(built.code, 0, built.stderr);
    t.deepEqual(mountsBelow(root), []);
  },
);

testNeeding(
  [...BUILDAH_NEEDS, ...BASES],
  'a buildah of its own builds from a registry of bases, and leaves nothing',
  async (t) => {
    const context = makeTempDir('context');
    t.teardown(() => removeTree(context));
    const registry = await startBaseRegistry(['busybox']);
    t.teardown(() => registry.stop());
    const root = makeTempDir('buildah');
    const buildah = openBuildah(root);
    writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
    const built = await buildah.run([
      'build',
      '--network=host',
      '--layers',
      `--build-arg=REGISTRY=${registry.host}`,
      '-t',
      'x',
      context,
    ]);
    await buildah.stop();
    t.is(built.code, 0, built.stderr);
    t.deepEqual(mountsBelow(root), []);
  },
);
