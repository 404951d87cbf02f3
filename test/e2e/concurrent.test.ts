// Any number of tsbuild processes share a store.
import { readImage } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';
import { brokenBlobs } from './soundness.ts';

testNeeding(SETTING_NEEDS, 'two equal builds and two others at once on one empty store all succeed', async (t) => {
  const setting = await makeSetting(t);
  const steps = 'RUN head -c 1000000 /dev/zero >/zeros && echo a >/a\nRUN echo b >/b && rm /a\nCOPY file /copied\n';
  const contexts = ['', '', 'RUN echo third >/third\n', 'RUN echo fourth >/fourth\n'].map((more, i) =>
    setting.context({ Dockerfile: `${FROM_BUSYBOX}${steps}${more}`, file: 'the same\n' }, `context${i}`),
  );
  const ids = contexts.map((_, i) => `${setting.work}/id${i}`);
  const results = await Promise.all(
    contexts.map((context, i) => setting.build(context, `at-once-${i}`, '--iidfile', ids[i] ?? '')),
  );
  for (const result of results) t.is(result.code, 0, outputOf(result));
  t.deepEqual(brokenBlobs(setting.tsbuild.root), []);
  for (const i of [0, 1, 2, 3]) {
    const dest = `${setting.work}/${i}.tar`;
    const saved = await setting.tsbuild.run(['save', '--format', 'oci', '-o', dest, `at-once-${i}:1`]);
    t.is(saved.code, 0, outputOf(saved));
    const { tree } = readImage(dest);
    t.is(tree.get('zeros')?.size, 1_000_000);
    t.false(tree.has('a'));
    t.is(tree.has('third'), i === 2);
    t.is(tree.has('fourth'), i === 3);
  }
});
