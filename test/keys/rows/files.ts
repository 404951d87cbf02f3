import type { Scenario } from '../types.ts';

const ALL = ['COPY one', 'COPY d ', 'COPY *.txt', 'RUN'];
const FROM_D = ALL.slice(1);
const FROM_TXT = ALL.slice(2);

/** What a COPY from the context depends on. */
export const FILES: readonly Scenario[] = [
  {
    name: 'copies',
    dockerfile: `FROM {busybox}
COPY one /one
COPY d /d
COPY *.txt /texts/
RUN echo {id} run
`,
    files: {
      one: undefined,
      'd/f': 'the same\n',
      'd/g': 'the same\n',
      'd/sub/h': undefined,
      'a.txt': undefined,
      other: undefined,
    },
    sh: 'ln -s f d/link; chmod 644 one d/f d/g d/sub/h a.txt; chmod 755 d d/sub',
    rows: [
      { change: 'where the context lies, and every time in it', sh: 'touch -d 2001-01-01 one d d/*', runs: [] },
      { change: 'a file that nothing copies', write: ['other'], runs: [] },
      { change: 'a new file that nothing copies', write: ['new.md'], runs: [] },
      { change: 'the content of a file', write: ['one'], runs: ALL },
      { change: 'the mode of a file', sh: 'chmod 600 one', runs: ALL },
      { change: 'set-user-id of a file', sh: 'chmod u+s d/f', runs: FROM_D },
      { change: 'the context as a tar', tar: true, runs: [] },
      {
        change: 'owners in a tar',
        sh: 'chown 1000:1000 d/f',
        tar: true,
        runs: FROM_D,
      },
      {
        change: 'the file of a stage instead',
        edit: [
          ['FROM {busybox}', 'FROM scratch AS made\nCOPY one /made/one\nFROM {busybox}'],
          ['COPY one /one', 'COPY --from=made /made/one /one'],
        ],
        runs: ['COPY one /made'],
      },
      { change: 'the owner of files', sh: 'chown -R 1000:1000 .', runs: [] },
      {
        change: 'an attribute of a file',
        sh: `python3 -c 'import os; os.setxattr("d/f", "user.{id}", b"1")'`,
        runs: FROM_D,
      },
      { change: 'a link to the file instead of the file', sh: 'mv one real; ln -s real one', runs: [] },
      { change: 'a file of a directory', write: ['d/f'], runs: FROM_D },
      { change: 'a file below a directory', write: ['d/sub/h'], runs: FROM_D },
      {
        change: 'a content of the same size and time',
        sh: 'touch -r d/f t; printf "the sbme\\n" >d/f; touch -r t d/f',
        runs: FROM_D,
      },
      { change: 'the name of a file in a directory', sh: 'mv d/g d/k', runs: FROM_D },
      { change: 'a file that is gone', sh: 'rm d/g', runs: FROM_D },
      { change: 'where a symbolic link leads', sh: 'ln -sf g d/link', runs: FROM_D },
      { change: 'a new empty directory', sh: 'mkdir d/empty', runs: FROM_D },
      { change: 'the mode of a directory below', sh: 'chmod 700 d/sub', runs: FROM_D },
      { change: 'set-group-id of a directory below', sh: 'chmod g+s d/sub', runs: FROM_D },
      {
        change: 'the mode of the copied directory itself',
        sh: 'chmod 700 d',
        runs: [],
        peer: { runs: FROM_D, why: 'it counts a mode that the copy does not take: what is copied to is made with 755' },
      },
      { change: 'a hardlink instead of an equal file', sh: 'ln -f d/f d/g', runs: [] },
      { change: 'a pattern matches one more', write: ['b.txt'], runs: FROM_TXT },
      { change: 'the name of what a pattern matches', sh: 'mv a.txt b.txt', runs: FROM_TXT },
      {
        change: 'a pattern that is written otherwise and matches the same',
        edit: [['*.txt', '?.txt']],
        runs: ['COPY ?.txt', 'RUN'],
      },
      { change: 'where a file is copied to', edit: [['/one', '/two']], runs: ALL },
      {
        change: 'a path that is written otherwise',
        edit: [
          ['COPY one', 'COPY ./one'],
          ['COPY d', 'COPY d/'],
        ],
        runs: [],
      },
      {
        change: 'the directory of a copied file',
        sh: 'mkdir e; mv one e',
        edit: [['COPY one', 'COPY e/one']],
        runs: [],
      },
      {
        change: 'the name of a copied file',
        sh: 'mv one two',
        edit: [['COPY one', 'COPY two']],
        runs: ['COPY two', ...FROM_D],
      },
      {
        change: 'the name of a copied directory',
        sh: 'mv d e',
        edit: [['COPY d ', 'COPY e ']],
        runs: ['COPY e', 'COPY *.txt', 'RUN'],
      },
      {
        change: 'ADD instead of COPY, which would unpack',
        edit: [['COPY one', 'ADD one']],
        runs: ['ADD one', ...FROM_D],
      },
      {
        change: 'the order of two copies',
        edit: [['COPY one /one\nCOPY d /d\n', 'COPY d /d\nCOPY one /one\n']],
        runs: ['COPY d', 'COPY one', 'COPY *.txt', 'RUN'],
      },
    ],
  },
  {
    name: 'copy flags',
    dockerfile: `FROM {busybox} AS a
COPY --chmod=600 a /a
FROM {busybox} AS b
COPY --chown=1:1 b /b
FROM {busybox}
COPY --from=a /a /a
COPY --from=b /b /b
`,
    files: { a: undefined, b: undefined },
    rows: [
      {
        change: 'the mode that a copy sets',
        edit: [['600', '640']],
        runs: ['COPY --chmod', 'COPY --from=a', 'COPY --from=b'],
      },
      { change: 'the same mode, written otherwise', edit: [['600', '0600']], runs: [] },
      { change: 'the mode of a file whose copy sets another', sh: 'chmod 755 a', runs: ['COPY --chmod'] },
      { change: 'the owner that a copy sets', edit: [['1:1', '2:1']], runs: ['COPY --chown', 'COPY --from=b'] },
      { change: 'the same owner, by name', edit: [['1:1', 'daemon:daemon']], runs: ['COPY --chown'] },
    ],
  },
  {
    name: 'ignore file',
    dockerfile: `FROM {busybox}
COPY . /all
RUN echo {id}
`,
    files: {
      '.dockerignore': 'Dockerfile\n.dockerignore\n*.log\n!keep.log\ncache\n!cache/keep\n',
      a: undefined,
      'b.md': undefined,
      'x.log': undefined,
      'keep.log': undefined,
      'cache/x': undefined,
      'cache/keep': undefined,
    },
    rows: [
      { change: 'a file that is ignored', write: ['x.log', 'cache/x'], runs: [] },
      { change: 'a new file that is ignored', write: ['y.log', 'cache/deep/y'], runs: [] },
      { change: 'a file that is ignored no more', write: ['keep.log'], runs: ['COPY .', 'RUN'] },
      {
        change: 'a file in a directory that is ignored, but not itself',
        write: ['cache/keep'],
        runs: ['COPY .', 'RUN'],
      },
      { change: 'a pattern that leaves out nothing', sh: 'echo nothing >>.dockerignore', runs: [] },
      { change: 'a comment', sh: 'echo "# why" >>.dockerignore', runs: [] },
      { change: 'a pattern that leaves out a file', sh: 'echo b.md >>.dockerignore', runs: ['COPY .', 'RUN'] },
      {
        change: 'an ignore file of the Dockerfile itself, which says the same',
        sh: 'cp .dockerignore Dockerfile.dockerignore; echo "*.dockerignore" >>Dockerfile.dockerignore',
        runs: [],
      },
      { change: 'the ignore file is gone', sh: 'rm .dockerignore', runs: ['COPY .', 'RUN'] },
    ],
  },
  {
    name: 'whole context',
    dockerfile: `FROM {busybox}
COPY . /all
`,
    files: { a: undefined },
    rows: [
      { change: 'a comment of a Dockerfile that is copied too', edit: [['COPY', '# {id}\nCOPY']], runs: ['COPY .'] },
      { change: 'the mode of the context', sh: 'chmod 700 .', runs: [] },
    ],
  },
  {
    name: 'exclude and parents',
    dockerfile: `FROM {busybox}
COPY --exclude=*.md d /d
COPY --parents p/q/./r /p
`,
    files: { 'd/a': undefined, 'd/b.md': undefined, 'p/q/r/s': undefined, 'p/t': undefined },
    noPeer: 'its own frontend refuses both flags: they are not stable there',
    rows: [
      { change: 'a file that is excluded', write: ['d/b.md'], runs: [] },
      { change: 'a new file that is excluded', write: ['d/c.md'], runs: [] },
      { change: 'a file beside it', write: ['d/a'], runs: ['COPY --exclude', 'COPY --parents'] },
      { change: 'beside the parents', write: ['p/t'], runs: [] },
      { change: 'below the parents', write: ['p/q/r/s'], runs: ['COPY --parents'] },
    ],
  },
  {
    name: 'git modes',
    dockerfile: `FROM {busybox}
COPY d /d
RUN --mount=type=bind,source=m,target=/m echo {id}
`,
    files: { 'd/f': undefined, 'd/run': undefined, 'd/sub/g': undefined, 'm/f': undefined },
    sh: 'chmod 755 d d/sub m d/run; chmod 644 d/f d/sub/g m/f',
    flags: ['--context-mode=git'],
    noPeer: 'it has no such option',
    rows: [
      { change: 'umask 002 and set-group-id', sh: 'chmod -R g+w .; find . -type d -exec chmod g+s {} +', runs: [] },
      {
        change: 'umask 077, sticky, owner and attributes',
        sh: `chmod -R go= .; chmod +t d; chown -R 7:7 .; python3 -c 'import os; os.setxattr("d/f", "user.a", b"1"); os.setxattr("d/sub", "user.a", b"1")'`,
        runs: [],
      },
      { change: 'a tree with the modes of a checkout, read as it is', flags: [], runs: [] },
      { change: 'umask 002, read as it is', sh: 'chmod -R g+w .', flags: [], runs: ['COPY d', 'RUN'] },
      { change: 'whether a file may be run', sh: 'chmod u+x d/f', runs: ['COPY d', 'RUN'] },
      { change: 'whether only others may run a file', sh: 'chmod go+x d/f', runs: [] },
      { change: 'the content of a bound file', write: ['m/f'], runs: ['RUN'] },
    ],
  },
];
