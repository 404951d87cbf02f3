import test from 'ava';
import { makeImageConfig } from '../../src/exporter/config.ts';
import type { BuiltTree } from '../../src/exporter/types.ts';
import { encodeJson, parseImageConfig } from '../../src/oci/index.ts';

test('what a base says by null, an image does not say', (t) => {
  const nothing = { Env: null, Entrypoint: null, Labels: null, Healthcheck: null, OnBuild: null };
  const bytes = encodeJson({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [] }, config: nothing });
  const { config = {} } = parseImageConfig(bytes, 'base');
  const built = { platform: { os: 'linux', architecture: 'amd64' }, config: { ...config, User: 'me' } };
  const made = makeImageConfig(
    { ...built, history: [], tree: { layers: [] } } as unknown as BuiltTree,
    [],
    [],
    undefined,
  );
  t.deepEqual(made.config, { User: 'me' });
});
