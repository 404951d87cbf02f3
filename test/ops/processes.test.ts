import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from '../support/exec.ts';
import { mountsBelow } from '../support/mounts.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { writeFiles } from './workbench.ts';

testNeeding(['root', 'busybox'], 'two processes build the same thing at once on one store', async (t) => {
  const root = makeTempDir('procs');
  mkdirSync(join(root, 'context'));
  writeFiles(join(root, 'context'), { file: 'content\n' });
  const child = join(import.meta.dirname, 'solve-child.js');
  const build = async () => {
    const { stdout } = await exec(process.execPath, [child, root]);
    return JSON.parse(stdout) as { executed: string[]; texts: string[] };
  };
  const [first, second] = await Promise.all([build(), build()]);
  for (const { texts } of [first, second]) t.deepEqual(texts, ['content\n1\n', 'content\n2\n', 'content\n3\n']);
  t.deepEqual((await build()).executed, []);
  t.deepEqual(mountsBelow(root), []);
  removeTree(root);
});
