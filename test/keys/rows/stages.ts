import type { Scenario } from '../types.ts';

/** Steps that stand on others: stages, bases, contexts, sources. */
export const STAGES: readonly Scenario[] = [
  {
    name: 'stages',
    dockerfile: `FROM {busybox} AS one
ARG V=1
RUN mkdir -p /dir/other; echo $V >/log; echo {id} >/dir/out; cp /dir/out /dir/other/out; touch -d 2001-01-01 /dir/*
FROM {busybox} AS two
RUN echo {id} two >/two
FROM {busybox} AS unused
RUN echo {id} unused
FROM {busybox}
COPY --from=one /dir/out /out
COPY --from=two /two /two
RUN echo {id} end
`,
    rows: [
      { change: 'a stage that makes the same file as before', flags: ['--build-arg=V=2'], runs: ['RUN mkdir'] },
      { change: 'the time of the file that a stage makes', edit: [['2001', '2002']], runs: ['RUN mkdir'] },
      {
        change: 'the mode of the file that a stage makes',
        edit: [['touch -d', 'chmod 600 /dir/out; touch -d']],
        runs: ['RUN mkdir', 'COPY --from=one', 'COPY --from=two', 'RUN echo {id} end'],
      },
      {
        change: 'the owner of the file that a stage makes',
        edit: [['touch -d', 'chown 5:5 /dir/out; touch -d']],
        runs: ['RUN mkdir', 'COPY --from=one', 'COPY --from=two', 'RUN echo {id} end'],
      },
      {
        change: 'another path of the stage, with the same content',
        edit: [['/dir/out /out', '/dir/other/out /out']],
        runs: [],
      },
      {
        change: "a stage's name",
        edit: [
          ['AS one', 'AS first'],
          ['from=one', 'from=first'],
        ],
        runs: [],
      },
      { change: 'a stage by its number', edit: [['from=one', 'from=0']], runs: [] },
      { change: 'a stage that the target does not need', edit: [['{id} unused', '{id} unused now']], runs: [] },
      {
        change: 'one more such stage',
        edit: [['FROM {busybox} AS two', 'FROM {busybox} AS three\nRUN echo {id} three\nFROM {busybox} AS two']],
        runs: [],
      },
      {
        change: 'the order of stages',
        edit: [
          ['FROM {busybox} AS two\nRUN echo {id} two >/two\n', ''],
          ['FROM {busybox} AS one', 'FROM {busybox} AS two\nRUN echo {id} two >/two\nFROM {busybox} AS one'],
        ],
        runs: [],
      },
      {
        change: 'one of two stages',
        edit: [['echo {id} two >', 'echo {id} two two >']],
        runs: ['RUN echo {id} two two', 'COPY --from=two', 'RUN echo {id} end'],
      },
      {
        change: 'a stage on a stage instead of on its base',
        edit: [['FROM {busybox} AS two', 'FROM {busybox} AS base\nFROM base AS two']],
        runs: [],
      },
      { change: 'the registry of the base', edit: [['{busybox}', '{elsewhere}']], runs: [] },
      { change: '--target', flags: ['--target=two'], runs: [] },
      {
        change: '--no-cache',
        flags: ['--no-cache'],
        runs: ['RUN mkdir', 'RUN echo {id} two', 'COPY --from=one', 'COPY --from=two', 'RUN echo {id} end'],
      },
      { change: '--no-cache-filter', flags: ['--no-cache-filter=one'], runs: ['RUN mkdir'] },
      { change: '--platform, as it is', flags: ['--platform=linux/{arch}'], runs: [] },
      { change: '--pull', flags: ['--pull'], runs: [] },
    ],
  },
  {
    name: 'bases',
    dockerfile: `FROM {plain}
RUN echo {id} run
COPY a /a
`,
    files: { a: undefined },
    rows: [
      { change: 'another name of the base', edit: [['{plain}', '{same}']], runs: [] },
      {
        change: 'a base with another label',
        edit: [['{plain}', '{label}']],
        runs: [],
        peer: {
          orRuns: ['RUN', 'COPY a'],
          why: 'it knows the base by its manifest and by its layers, and does not always wait for the second',
        },
      },
      { change: 'a base with another variable', edit: [['{plain}', '{variable}']], runs: ['RUN', 'COPY a'] },
      { change: 'a base with another layer', edit: [['{plain}', '{layer}']], runs: ['RUN', 'COPY a'] },
      { change: 'a base by its digest', edit: [['{plain}', '{pinned}']], runs: [] },
      { change: 'a base that was compressed otherwise', edit: [['{plain}', '{zstd}']], runs: [] },
    ],
  },
  {
    name: 'linked copies',
    dockerfile: `FROM {plain} AS linked
COPY --link a /{id}/a
COPY --link --chown=1:1 b /{id}/b
FROM linked
RUN echo {id}
`,
    files: { a: undefined, b: undefined },
    rows: [
      { change: 'the base', edit: [['{plain}', '{layer}']], runs: ['RUN'] },
      {
        change: 'the base, without a step on it',
        edit: [['{plain}', '{layer}']],
        flags: ['--target=linked'],
        runs: [],
      },
      { change: 'the file of the first', write: ['a'], runs: ['COPY --link a', 'RUN'] },
      { change: 'the file of the second', write: ['b'], runs: ['COPY --link --chown', 'RUN'] },
      {
        change: 'a step before them',
        edit: [['COPY --link a', 'RUN echo {id} before\nCOPY --link a']],
        runs: ['RUN echo {id} before', 'RUN echo {id}'],
      },
    ],
  },
  {
    name: 'named contexts',
    dockerfile: `FROM {busybox}
COPY --from=extra x /x
RUN --mount=type=bind,from=extra,source=sub,target=/sub echo {id}
`,
    files: { 'one/x': undefined, 'one/y': undefined, 'one/sub/z': undefined },
    flags: ['--build-context=extra={context}/one'],
    rows: [
      { change: 'where it lies', sh: 'mv one two', flags: ['--build-context=extra={context}/two'], runs: [] },
      { change: 'a file that is copied', write: ['one/x'], runs: ['COPY', 'RUN'] },
      { change: 'a file that is not', write: ['one/y'], runs: [] },
      { change: 'a file that is bound', write: ['one/sub/z'], runs: ['RUN'] },
      {
        change: 'its name',
        edit: [
          ['from=extra x', 'from=more x'],
          ['from=extra,', 'from=more,'],
        ],
        flags: ['--build-context=more={context}/one'],
        runs: [],
      },
      {
        change: 'the main context instead',
        sh: 'mv one/* .',
        edit: [
          ['COPY --from=extra ', 'COPY '],
          ['from=extra,', ''],
        ],
        flags: [],
        runs: [],
      },
    ],
  },
  {
    name: 'files of servers',
    dockerfile: `FROM {busybox}
ADD {web}/{id}/file /file
RUN echo {id}
`,
    serve: { '/file': 'content', '/again/file': 'content', '/named': 'content' },
    rows: [
      { change: 'nothing', runs: [] },
      { change: 'what the server has', serve: { '/file': 'other content' }, runs: ['ADD', 'RUN'] },
      { change: 'where the same file lies', edit: [['{id}/file', '{id}/again/file']], runs: [] },
      { change: 'the name of the same file', edit: [['{id}/file', '{id}/named']], runs: ['ADD', 'RUN'] },
    ],
  },
  {
    name: 'repositories',
    dockerfile: `FROM {busybox}
ADD {git}/repo.git#main /src
RUN echo {id}
`,
    rows: [
      { change: 'nothing', runs: [] },
      { change: 'another name of the same commit', edit: [['#main', '#same']], runs: [] },
      { change: 'another commit', edit: [['#main', '#dev']], runs: ['ADD', 'RUN'] },
      { change: 'a directory of it', edit: [['#main', '#main:dir']], runs: ['ADD', 'RUN'] },
      { change: 'what git keeps of it', edit: [['ADD ', 'ADD --keep-git-dir ']], runs: ['ADD', 'RUN'] },
    ],
  },
];
