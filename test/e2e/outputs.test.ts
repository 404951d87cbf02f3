// What tsbuild writes, other people's tools read, and the other way round.
import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareImages } from '../support/compare-images.ts';
import { DOCKERD_NEEDS, startDockerd } from '../support/dockerd.ts';
import { exec } from '../support/exec.ts';
import { readImage } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, type Setting } from './setting.ts';

const DOCKERFILE = `${FROM_BUSYBOX}RUN mkdir /d && echo x >/d/x && chown app /d/x && ln /d/x /d/h && rm /etc/group
COPY file /file
USER app
CMD ["cat", "/file"]
`;

const contextOf = (setting: Setting): string => setting.context({ Dockerfile: DOCKERFILE, file: 'content\n' });

testNeeding(
  SETTING_NEEDS,
  '-o type=oci and type=docker, saved archives and a pushed image are the same image',
  async (t) => {
    const setting = await makeSetting(t);
    const context = contextOf(setting);
    const paths = ['oci', 'docker', 'saved-oci', 'saved-docker'].map((name) => join(setting.work, `${name}.tar`));
    const [oci = '', docker = '', savedOci = '', savedDocker = ''] = paths;
    const commands = [
      () => setting.build(context, 'out', '-o', `type=oci,dest=${oci}`),
      () => setting.build(context, 'out', '-o', `type=docker,dest=${docker}`),
      () => setting.build(context, 'out'),
      () => setting.tsbuild.run(['save', '--format', 'oci', '-o', savedOci, 'out:1']),
      () => setting.tsbuild.run(['save', '-o', savedDocker, 'out:1']),
      () => setting.tsbuild.run(['tag', 'out:1', `${setting.registry.host}/out:1`]),
      () => setting.tsbuild.run(['push', `${setting.registry.host}/out:1`]),
    ];
    for (const command of commands) {
      const result = await command();
      t.is(result.code, 0, outputOf(result));
    }
    const copied = join(setting.work, 'copied');
    await exec('skopeo', [
      'copy',
      '--insecure-policy',
      '--src-tls-verify=false',
      `docker://${setting.registry.host}/out:1`,
      `oci:${copied}:1`,
    ]);
    await exec('skopeo', ['copy', '--insecure-policy', `docker-archive:${savedDocker}`, `oci:${copied}2:1`]);
    await exec('skopeo', ['copy', '--insecure-policy', `oci-archive:${savedOci}`, `oci:${copied}3:1`]);
    const first = readImage(oci);
    t.is(first.tree.get('d/x')?.uid, 1000);
    t.is(first.tree.get('d/x')?.hardlinks, 'd/h');
    for (const path of [docker, savedOci, savedDocker, copied, `${copied}2`, `${copied}3`])
      t.deepEqual(compareImages(first, readImage(path)), [], path);
  },
);

testNeeding(SETTING_NEEDS, '-o DIR and type=tar write the file tree', async (t) => {
  const setting = await makeSetting(t);
  const context = contextOf(setting);
  const dest = join(setting.work, 'tree');
  const built = await setting.build(context, 'tree', '-o', dest);
  t.is(built.code, 0, outputOf(built));
  t.is(readFileSync(join(dest, 'file'), 'utf8'), 'content\n');
  // As with buildx, the files belong to whoever runs the build.
  t.is(lstatSync(join(dest, 'd/x')).uid, process.getuid?.() ?? 0);
  t.is(lstatSync(join(dest, 'd/x')).ino, lstatSync(join(dest, 'd/h')).ino);
  t.false(existsSync(join(dest, 'etc/group')));

  const tar = join(setting.work, 'tree.tar');
  const again = await setting.build(context, 'tree', '-o', `type=tar,dest=${tar}`);
  t.is(again.code, 0, outputOf(again));
  const unpacked = join(setting.work, 'unpacked');
  mkdirSync(unpacked);
  await exec('tar', ['-xf', tar, '-C', unpacked]);
  await exec('diff', ['-r', '--no-dereference', dest, unpacked]);
});

testNeeding(
  [...SETTING_NEEDS, ...DOCKERD_NEEDS],
  'docker loads what tsbuild saves, tsbuild loads what docker saves',
  async (t) => {
    const setting = await makeSetting(t);
    const built = await setting.build(contextOf(setting), 'exchange');
    t.is(built.code, 0, outputOf(built));
    const [ours, theirs, back] = ['ours', 'theirs', 'back'].map((name) => join(setting.work, `${name}.tar`)) as [
      string,
      string,
      string,
    ];
    t.is((await setting.tsbuild.run(['save', '-o', ours, 'exchange:1'])).code, 0);
    const docker = await startDockerd();
    t.teardown(() => docker.stop());
    const loaded = await docker.run(['load', '-i', ours]);
    t.is(loaded.code, 0, outputOf(loaded));
    const ran = await docker.run(['run', '--rm', '--network=none', 'exchange:1']);
    t.is(ran.stdout, 'content\n', outputOf(ran));
    t.is((await docker.run(['save', '-o', theirs, 'exchange:1'])).code, 0);

    t.is((await setting.tsbuild.run(['rmi', 'exchange:1'])).code, 0);
    const reloaded = await setting.tsbuild.run(['load', '-i', theirs]);
    t.is(reloaded.code, 0, outputOf(reloaded));
    t.is((await setting.tsbuild.run(['save', '-o', back, 'exchange:1'])).code, 0);
    t.deepEqual(compareImages(readImage(ours), readImage(back)), []);
  },
);
