// --squash: the tree of all steps with one layer of theirs, whatever comes of the image.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareImages } from '../support/compare-images.ts';
import { readImage } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

const STEPS = `RUN mkdir -p /w /etc/x && echo one >/w/one && ln /w/one /w/hard && ls /bin >/gone && ls /bin >/w/list
COPY d /dd
RUN rm /gone /etc/passwd && rm -r /dd && mkdir /dd && echo new >/dd/new && echo more >>/w/one && chown 5:6 /w/list
COPY --link d /w/linked
RUN ln /w/list /w/list2 && rm -rf /etc/x && mv /w/hard /w/moved && rm -r /home && mkdir -p /home/other && chmod 700 /home
RUN mkdir /file-then && touch /file-then/a
RUN rm -r /file-then && echo f >/file-then
WORKDIR /work
ENV A=b
`;
const FILES = { Dockerfile: FROM_BUSYBOX + STEPS, 'd/1': '1\n', 'd/2': '2\n' };

testNeeding(SETTING_NEEDS, 'a squashed image has the tree of all its layers in one', async (t) => {
  const setting = await makeSetting(t);
  const { tsbuild } = setting;
  const context = setting.context(FILES);
  const file = (name: string): string => join(setting.work, name);
  const save = async (name: string) => {
    t.is((await tsbuild.run(['save', '--format=oci', '-o', file(`${name}.tar`), `${name}:1`])).code, 0);
    return readImage(file(`${name}.tar`));
  };
  t.is((await setting.build(context, 'plain')).code, 0);
  const squashed = await setting.build(context, 'squashed', '--squash', '--iidfile', file('id'));
  t.is(squashed.code, 0, outputOf(squashed));
  const [plain, one] = [await save('plain'), await save('squashed')];
  t.deepEqual(compareImages(plain, one, { mtimeOf: ['w/one', 'dd', 'home', 'work'] }), [], outputOf(squashed));
  const layers = async (name: string): Promise<number> => {
    const { stdout } = await tsbuild.run(['image', 'inspect', '-f', '{{len .RootFS.Layers}}', `${name}:1`]);
    return Number(stdout);
  };
  t.is(await layers('squashed'), 2, 'the base and one more');

  const history = (await tsbuild.run(['history', '--format', '{{.Size}} {{.Comment}}', 'squashed:1'])).stdout;
  const rows = history.trim().split('\n');
  t.regex(rows[0] ?? '', /^\S+ 8 layers squashed$/);
  t.true(
    rows.slice(1, -1).every((row) => row.startsWith('0B ')),
    history,
  );
  const size = async (name: string): Promise<number> =>
    Number((await tsbuild.run(['image', 'inspect', '-f', '{{.Size}}', `${name}:1`])).stdout);
  t.true((await size('squashed')) < (await size('plain')), 'what came and went takes no room');

  const again = await setting.build(context, 'again', '--squash', '--iidfile', file('again'));
  t.is(again.code, 0);
  t.is(readFileSync(file('again'), 'utf8'), readFileSync(file('id'), 'utf8'), 'from the cache, the same image');

  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM squashed:1\nRUN test ! -e /gone && cat /dd/new /w/one\nRUN touch /z\n',
  );
  const next = await setting.build(context, 'next', '--squash');
  t.is(next.code, 0, outputOf(next));
  t.is(await layers('next'), 3, 'a base that was squashed stays as it is');
});

testNeeding(SETTING_NEEDS, 'squashed into archives and registries, in any compression', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({ ...FILES, Dockerfile: 'FROM scratch\nCOPY d /d\nCOPY --link d /e\n' });
  const archive = join(setting.work, 'out.tar');
  for (const spec of ['type=oci', 'type=docker', 'type=oci,compression=uncompressed']) {
    const result = await setting.build(context, 'packed', '--squash', '-o', `${spec},dest=${archive}`);
    t.is(result.code, 0, outputOf(result));
    const paths = [...readImage(archive).tree.keys()].filter((path) => path.includes('/'));
    t.deepEqual(paths.sort(), ['d/1', 'd/2', 'e/1', 'e/2'], spec);
  }
  const zstd = await setting.build(context, 'packed', '--squash', '-o', `type=oci,compression=zstd,dest=${archive}`);
  t.is(zstd.code, 0, outputOf(zstd));
  // It checks every layer's diffID.
  t.is((await setting.tsbuild.run(['load', '-i', archive])).code, 0);
  const name = `${setting.registry.host}/squashed`;
  const pushed = await setting.build(context, name, '--squash', '--push');
  t.is(pushed.code, 0, outputOf(pushed));
  t.is((await setting.tsbuild.run(['rmi', '-f', `${name}:1`])).code, 0);
  t.is((await setting.tsbuild.run(['pull', '-q', `${name}:1`])).code, 0);
});
