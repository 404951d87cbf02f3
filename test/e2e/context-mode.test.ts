// --context-mode=git: the same files under another umask, with set-group-id directories, other owners and attributes are the same context.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { exec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild } from '../support/tsbuild.ts';
import { makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

/** All times are the same: git keeps none, and a layer has them. */
const SAME_TIMES = 'find . -exec touch -h -d 2020-02-02T02:02:02Z {} +';

/** How machines differ that have checked out the same commit, and what people do to files. */
const MACHINES: Readonly<Record<string, string>> = {
  'umask 0022': 'chmod -R u=rwX,go=rX .',
  'umask 0002, set-group-id directories': 'chmod -R ug=rwX,o=rX .; find . -type d -exec chmod g+s {} +',
  'umask 0077, other owners': 'chmod -R u=rwX,go= .; chown -R 1234:1234 .',
  'sticky, attributes and hardlinks':
    "chmod -R u=rwX,go=rX .; chmod +t d; ln -f d/same d/copy; python3 -c \"import os; [os.setxattr(p, 'user.a', b'1') for p in ('d', 'd/f', 'd/run')]\"",
};

async function makeTree(parent: string, name: string, commands: string): Promise<string> {
  const folder = join(parent, name.replaceAll(/\W+/g, '-'));
  writeFiles(folder, {
    Dockerfile: 'FROM scratch\nCOPY d /d\nCOPY --chmod=g+w d/f d/run /\nCOPY --from=extra f /named\nADD d/sub /sub/\n',
    'd/f': 'f',
    'd/run': '#!/bin/sh\n',
    'd/sub/deep/g': 'g',
    'd/same': 'same',
    'd/copy': 'same',
    'extra/f': 'extra',
  });
  await exec('sh', ['-ec', `ln -s f d/link; chmod u+x d/run; ${commands}; ${SAME_TIMES}`], { cwd: folder });
  return folder;
}

function makeWork(t: ExecutionContext): string {
  const work = makeTempDir('context-mode');
  t.teardown(() => removeTree(work));
  return work;
}

interface Made {
  readonly diffIDs: readonly string[];
  readonly output: string;
}

testNeeding(
  ['root', 'python3', 'skopeo'],
  'one key and one layer, whatever machine the files were checked out on',
  async (t) => {
    const work = makeWork(t);
    const build = async (
      store: string,
      folder: string,
      flags: readonly string[] = ['--context-mode=git'],
    ): Promise<Made> => {
      const archive = join(work, 'out.tar');
      const tsbuild = openTsbuild(join(work, store));
      const extra = `--build-context=extra=${join(folder, 'extra')}`;
      const result = await tsbuild.run([
        'build',
        '--progress=plain',
        ...flags,
        extra,
        '-o',
        `type=oci,dest=${archive}`,
        folder,
      ]);
      if (result.code !== 0) throw new Error(outputOf(result));
      const { stdout } = await exec('skopeo', ['inspect', '--config', `oci-archive:${archive}`]);
      const { rootfs } = JSON.parse(stdout) as { readonly rootfs: { readonly diff_ids: readonly string[] } };
      return { diffIDs: rootfs.diff_ids, output: outputOf(result) };
    };
    const hits = ({ output }: Made): number => output.split('\n').filter((line) => line.endsWith(' CACHED')).length;

    let first: Made | undefined;
    for (const [machine, commands] of Object.entries(MACHINES)) {
      const folder = await makeTree(work, machine, commands);
      // In a store of its own the layers are made anew; in a common one they are found.
      const alone = await build(`store-${folder.length}-${machine.length}`, folder);
      const shared = await build('store', folder);
      first ??= alone;
      t.deepEqual(alone.diffIDs, first.diffIDs, machine);
      t.deepEqual(shared.diffIDs, first.diffIDs, machine);
      t.is(hits(alone), 0, machine);
      t.is(hits(shared), first === alone ? 0 : 4, machine);
    }
    if (first === undefined) return;

    const [checkout, other] = Object.keys(MACHINES).map((machine) => join(work, machine.replaceAll(/\W+/g, '-')));
    // Modes as a checkout has them are what they are in both ways.
    t.is(hits(await build('store', checkout ?? '', [])), 4);
    const asIs = await build('store', other ?? '', []);
    t.is(hits(asIs), 0);
    t.notDeepEqual(asIs.diffIDs, first.diffIDs);
  },
);

testNeeding(
  [...SETTING_NEEDS, 'python3'],
  'what steps see: directories, bound ones, named ones, archives on standard input',
  async (t) => {
    const { tsbuild, registry, context } = await makeSetting(t);
    const folder = context({
      Dockerfile: `FROM ${registry.host}/busybox:1
COPY d /d
COPY --from=extra d /e
RUN --mount=type=bind,source=d,target=/bound --mount=type=bind,from=extra,source=d,target=/named \\
  for top in /d /e /bound /named; do find $top -exec stat -c '%n %a %u:%g %h' {} + | sed "s|^$top/|TREE/|" | grep TREE; done
`,
      'd/f': 'f',
      'd/run': '',
      'd/sub/g': 'g',
    });
    const prepare =
      'umask 002; chmod -R ug=rwX,o=rX d; find d -type d -exec chmod g+s {} +; chmod 775 d/run; ln d/f d/second; chown -R 77:88 d';
    await exec('sh', ['-ec', prepare], { cwd: folder });
    const flags = ['build', '--progress=plain', `--build-context=extra=${folder}`];
    const env = { TSBUILD_CONTEXT_MODE: 'git' };
    const expected = [
      'TREE/f 644 0:0',
      'TREE/run 755 0:0',
      'TREE/second 644 0:0',
      'TREE/sub 755 0:0',
      'TREE/sub/g 644 0:0',
    ];
    const seen = (output: string): readonly string[] =>
      [...output.matchAll(/(TREE\/\S+ \d+ \d+:\d+) \d+$/gm)].map((match) => match[1] ?? '').toSorted();
    const four = expected.flatMap((line) => [line, line, line, line]).toSorted();

    const fromFolder = await tsbuild.run([...flags, folder], { env });
    t.is(fromFolder.code, 0, outputOf(fromFolder));
    t.deepEqual(seen(outputOf(fromFolder)), four);
    t.notRegex(outputOf(fromFolder), /TREE\/f .* 2$/m, 'no hardlinks');
    const tar = join(folder, '../context.tar');
    await exec('tar', ['cf', tar, '-C', folder, '.']);
    const fromTar = await tsbuild.run([...flags, '--no-cache', '-'], { env, input: readFileSync(tar) });
    t.is(fromTar.code, 0, outputOf(fromTar));
    t.deepEqual(seen(outputOf(fromTar)), four);
    // As it is, an archive's owners count too.
    const asIs = await tsbuild.run([...flags, '-'], { input: readFileSync(tar) });
    t.is(asIs.code, 0, outputOf(asIs));
    t.true(seen(outputOf(asIs)).includes('TREE/sub 2775 77:88'));
  },
);

testNeeding(['root'], 'the mode is named on the command line, in the environment or not at all', async (t) => {
  const work = makeWork(t);
  const folder = join(work, 'context');
  writeFiles(folder, { Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'f' });
  const { run } = openTsbuild(join(work, 'store'));
  const wrong = await run(['build', folder], { env: { TSBUILD_CONTEXT_MODE: 'svn' } });
  t.is(wrong.code, 125);
  t.regex(outputOf(wrong), /TSBUILD_CONTEXT_MODE.*as-is, git/);
  t.is((await run(['build', '--context-mode=svn', folder])).code, 125);
  // What stands on the command line wins.
  const both = await run(['build', '--context-mode=as-is', folder], { env: { TSBUILD_CONTEXT_MODE: 'git' } });
  t.is(both.code, 0, outputOf(both));
});
