// What is built twice is executed once, and a change reaches exactly the steps that read what changed.
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readImage } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

const DOCKERFILE = `ARG REGISTRY
FROM $REGISTRY/busybox:1 AS left
COPY left /left
RUN cat /left; echo ran-''left
FROM $REGISTRY/busybox:1 AS right
COPY right /right
RUN cat /right; echo ran-''right
FROM $REGISTRY/busybox:1
COPY --from=left /left /
COPY --from=right /right /
RUN --mount=type=bind,source=bound,target=/bound cat /bound; echo ran-''last
`;

testNeeding(SETTING_NEEDS, 'a change reaches exactly the steps that read it', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({ Dockerfile: DOCKERFILE, left: 'l\n', right: 'r\n', bound: 'b\n', unused: 'u\n' });
  const id = join(setting.work, 'id');
  const ranIn = async (): Promise<string[]> => {
    const result = await setting.build(context, 'cache', '--iidfile', id);
    t.is(result.code, 0, outputOf(result));
    return [...outputOf(result).matchAll(/ran-(\w+)$/gm)].map((match) => match[1] ?? '').sort();
  };
  t.deepEqual(await ranIn(), ['last', 'left', 'right']);
  t.deepEqual(await ranIn(), [], 'nothing changed');

  utimesSync(join(context, 'left'), 1, 1);
  writeFileSync(join(context, 'right'), 'r\n');
  t.deepEqual(await ranIn(), [], 'another time with equal content is no change');

  writeFileSync(join(context, 'unused'), 'another\n');
  t.deepEqual(await ranIn(), [], 'nothing reads this file');

  writeFileSync(join(context, 'bound'), 'another\n');
  t.deepEqual(await ranIn(), ['last']);

  writeFileSync(join(context, 'left'), 'another\n');
  t.deepEqual(await ranIn(), ['last', 'left']);

  writeFileSync(join(context, 'Dockerfile'), `${DOCKERFILE}LABEL only=metadata\n`);
  t.deepEqual(await ranIn(), [], 'a change of metadata runs nothing');
});

testNeeding(SETTING_NEEDS, 'a stage whose result is the same does not run what stands on it again', async (t) => {
  const setting = await makeSetting(t);
  const dockerfile = (comment: string): string =>
    `ARG REGISTRY\nFROM $REGISTRY/busybox:1 AS gen\nRUN echo same >/out && touch -d @0 /out # ${comment}\n` +
    "FROM $REGISTRY/busybox:1\nCOPY --from=gen /out /out\nRUN echo ran-''last\n";
  const context = setting.context({ Dockerfile: dockerfile('one') });
  t.regex(outputOf(await setting.build(context, 'same')), /ran-last$/m);
  writeFileSync(join(context, 'Dockerfile'), dockerfile('two'));
  const second = outputOf(await setting.build(context, 'same'));
  t.notRegex(second, /ran-last$/m, second);
});

testNeeding(SETTING_NEEDS, 'equal builds in two stores give byte-identical layers', async (t) => {
  const setting = await makeSetting(t);
  const other = await makeSetting(t);
  const files = {
    Dockerfile: `${FROM_BUSYBOX}COPY tree /tree\nRUN mkdir /d && ln -s a /d/l && echo x >/d/a && ln /d/a /d/h && touch -d @5 /d/* /d /\n`,
    'tree/a': 'a\n',
    'tree/sub/b': 'b\n',
  };
  const diffIDs: (readonly string[])[] = [];
  for (const one of [setting, other]) {
    const context = one.context(files);
    for (const path of ['tree/a', 'tree/sub/b', 'tree/sub', 'tree']) utimesSync(join(context, path), 1000, 1000);
    t.is((await one.build(context, 'equal')).code, 0);
    const dest = join(one.work, 'image.tar');
    t.is((await one.tsbuild.run(['save', '--format', 'oci', '-o', dest, 'equal:1'])).code, 0);
    diffIDs.push(readImage(dest).config.rootfs.diff_ids);
  }
  t.is(diffIDs[0]?.at(-2), diffIDs[1]?.at(-2), 'the COPY');
  t.deepEqual(diffIDs[0]?.slice(0, 1), diffIDs[1]?.slice(0, 1), 'the base');
});
