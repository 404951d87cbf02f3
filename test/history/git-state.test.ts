import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readGitState } from '../../src/history/git-state.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const REVISION = '0123456789abcdef0123456789abcdef01234567';

test('git state: from loose and packed refs, of the directory or one above', (t) => {
  const root = makeTempDir('git-state');
  t.teardown(() => removeTree(root));
  mkdirSync(join(root, '.git'));
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, '.git/HEAD'), 'ref: refs/heads/main\n');
  t.deepEqual(readGitState(join(root, 'sub')), { root, branch: 'main' }, 'no commit yet');
  writeFileSync(join(root, '.git/packed-refs'), `# pack-refs with: peeled\n${REVISION} refs/heads/main\n`);
  t.deepEqual(readGitState(join(root, 'sub')), { root, branch: 'main', revision: REVISION });
  writeFileSync(join(root, '.git/HEAD'), `${REVISION}\n`);
  t.deepEqual(readGitState(root), { root, revision: REVISION });
});

test('git state: a pipe in the place of .git, HEAD or packed-refs makes nobody wait', (t) => {
  for (const pipe of ['.git', '.git/HEAD', '.git/packed-refs']) {
    const root = makeTempDir('git-state');
    t.teardown(() => removeTree(root));
    if (pipe !== '.git') {
      mkdirSync(join(root, '.git'));
      if (pipe === '.git/packed-refs') writeFileSync(join(root, '.git/HEAD'), 'ref: refs/heads/main\n');
    }
    execFileSync('mkfifo', [join(root, pipe)]);
    t.is(readGitState(root)?.revision, undefined, pipe);
  }
});
