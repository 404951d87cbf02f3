import test from 'ava';
import { DockerfileError } from '../../../../src/dockerfile/errors.ts';
import { convert, findOp, listHistory } from '../support.ts';

const SUM = `sha256:${'0'.repeat(64)}`;

test('ADD of a URL is one file, by the name at the end of its path', async (t) => {
  const result = await convert(`FROM a\nARG V=1\nADD --checksum=${SUM} --chown=1:2 https://x.org/a-$V.tar?sig=z /dir/`);
  t.deepEqual(findOp(result, 'source', /ADD/), {
    type: 'source',
    inputs: [],
    identifier: 'https://x.org/a-1.tar?sig=z',
    attrs: { 'http.filename': 'a-1.tar', 'http.checksum': SUM },
  });
  const [copy] = findOp(result, 'file', /ADD/).actions;
  t.like(copy, { src: '/a-1.tar', dest: '/dir/', owner: '1:2', attemptUnpack: false, dirCopyContents: false });
  t.is(listHistory(result).at(-1), '+ ADD --chown=1:2 https://x.org/a-1.tar?sig=*** /dir/ # buildkit');
});

test('a URL without a path has no name, --unpack unpacks', async (t) => {
  const result = await convert('FROM a\nADD --unpack http://x.org/?a=/b /');
  t.deepEqual(findOp(result, 'source', /ADD/).attrs, { 'http.filename': '__unnamed__' });
  t.like(findOp(result, 'file', /ADD/).actions[0], { src: '/__unnamed__', attemptUnpack: true });
});

test('ADD of a repository is its tree', async (t) => {
  const result = await convert('FROM a\nADD --keep-git-dir --checksum=abc --unpack git@h:a/b?submodules=0#v1:dir /src');
  const { identifier, attrs } = findOp(result, 'source', /ADD/);
  t.is(identifier, 'git://h/a/b#v1:dir');
  t.like(attrs, {
    'git.fullurl': 'git@h:a/b',
    'git.keepgitdir': 'true',
    'git.checksum': 'abc',
    'git.skipsubmodules': 'true',
    'git.mountsshsock': 'default',
  });
  t.like(findOp(result, 'file', /ADD/).actions[0], {
    src: '/',
    dest: '/src',
    dirCopyContents: true,
    attemptUnpack: false,
  });
});

test('several sources may be of several kinds', async (t) => {
  const result = await convert('FROM a\nADD file http://x.org/y https://x.org/z.git github.com/a/b /dir/');
  t.deepEqual(
    findOp(result, 'file', /ADD/).actions.map((action) => (action.type === 'copy' ? action.src : '')),
    ['/file', '/y', '/', '/github.com/a/b'],
  );
});

const WRONG: readonly (readonly [instruction: string, column: number, message: RegExp])[] = [
  ['COPY https://x.org/y /', 5, /COPY cannot be a URL/],
  ['COPY https://x.org/y.git /', 5, /COPY cannot be a git repository/],
  [`ADD --checksum=${SUM} file /`, 4, /not for files of the context/],
  [`ADD --checksum=${SUM} http://x/y http://x/z /`, 4, /there are several/],
  ['ADD --checksum=sha256:1 http://x/y /', 24, /no sha256 digest/],
  [`ADD --checksum=sha512:${'0'.repeat(128)} http://x/y /`, 151, /no sha256 digest/],
  [`ADD --checksum=${SUM} git://x/y /`, 87, /is no commit/],
  ['ADD --checksum=abc git://x/y?checksum=def /', 19, /contradicts the URL/],
  ['ADD --keep-git-dir=false git://x/y?keep-git-dir /', 25, /contradicts the URL/],
  ['ADD git://x/y?branches=a /', 4, /no option "branches"/],
  ['ADD git://x/y#--upload-pack=x /', 4, /is no ref/],
];

for (const [instruction, column, message] of WRONG)
  test(`refuses ${instruction}`, async (t) => {
    const error = await t.throwsAsync(convert(`FROM a\n${instruction}`), { instanceOf: DockerfileError, message });
    t.is(error?.code, 'DOCKERFILE_SYNTAX');
    t.deepEqual(error?.range?.start, { line: 2, column });
  });
