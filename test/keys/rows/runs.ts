import type { Scenario } from '../types.ts';

/** What a RUN depends on besides its command and its root. */
export const RUNS: readonly Scenario[] = [
  {
    name: 'bind mounts',
    dockerfile: `FROM {busybox} AS tools
ARG V=1
RUN mkdir -p /t/sub; echo {id} >/t/sub/x; cp /t/sub/x /t/y; echo $V >/t/v
FROM {busybox}
RUN --mount=type=bind,source=src,target=/src echo {id} context
RUN --mount=type=bind,from=tools,source=/t/sub,target=/t echo {id} stage
`,
    files: { 'src/f': undefined, other: undefined },
    rows: [
      {
        change: 'a file that is bound',
        write: ['src/f'],
        runs: ['RUN --mount=type=bind,source', 'RUN --mount=type=bind,from'],
      },
      { change: 'a file that is not', write: ['other'], runs: [] },
      { change: 'the time of a file', sh: 'touch -d 2001-01-01 src/f', runs: [] },
      {
        change: 'the mode of a file',
        sh: 'chmod 600 src/f',
        runs: ['RUN --mount=type=bind,source', 'RUN --mount=type=bind,from'],
      },
      {
        change: 'the mode of the bound directory itself',
        sh: 'chmod 700 src',
        runs: [],
        peer: {
          runs: ['RUN --mount=type=bind,source', 'RUN --mount=type=bind,from'],
          why: 'what is mounted is a copy in a directory of its own, with 755',
        },
      },
      {
        change: 'the mode of the bound directory of a stage',
        edit: [['echo $V', 'chmod 700 /t/sub; echo $V']],
        runs: ['RUN mkdir', 'RUN --mount=type=bind,from'],
      },
      { change: 'the directory of the same files', sh: 'mv src two', edit: [['source=src', 'source=two']], runs: [] },
      { change: 'a stage of which that part is the same', flags: ['--build-arg=V=2'], runs: ['RUN mkdir'] },
      {
        change: 'a stage of which that part changed',
        edit: [['{id} >/t/sub/x', '{id} new >/t/sub/x']],
        runs: ['RUN mkdir', 'RUN --mount=type=bind,from'],
      },
      { change: 'where it is mounted', edit: [['target=/t', 'target=/u']], runs: ['RUN --mount=type=bind,from'] },
      {
        change: 'whether it may be written to',
        edit: [['target=/t', 'target=/t,rw']],
        runs: ['RUN --mount=type=bind,from'],
      },
    ],
  },
  {
    name: 'caches, secrets and memory',
    dockerfile: `FROM {busybox} AS cache
RUN --mount=type=cache,target=/c,id={id} date +%s%N >>/c/log
FROM {busybox} AS secret
RUN --mount=type=secret,id=token,target=/token cat /token | wc -c
FROM {busybox} AS tmpfs
RUN --mount=type=tmpfs,target=/tmp,size=1000000 echo {id}
FROM {busybox}
RUN --mount=type=bind,from=cache,target=/1 --mount=type=bind,from=secret,target=/2 --mount=type=bind,from=tmpfs,target=/3 echo {id} all
`,
    files: { token: 'one', second: 'longer' },
    flags: ['--secret=id=token,src={context}/token'],
    rows: [
      { change: 'what is in a cache', runs: [] },
      { change: 'the name of a cache', edit: [['id={id}', 'id={id}-2']], runs: [] },
      {
        change: 'how a cache is shared',
        edit: [['id={id}', 'id={id},sharing=locked']],
        runs: [],
      },
      { change: 'the value of a secret', flags: ['--secret=id=token,src={context}/second'], runs: [] },
      { change: 'a secret that is not given', flags: [], runs: [] },
      {
        change: 'the name of a secret',
        edit: [['id=token', 'id=second']],
        flags: ['--secret=id=second,src={context}/token'],
        runs: ['RUN --mount=type=secret'],
      },
      {
        change: 'where a secret is mounted',
        edit: [['target=/token', 'target=/other']],
        runs: ['RUN --mount=type=secret'],
      },
      { change: 'a secret as a variable', edit: [['target=/token', 'env=TOKEN']], runs: ['RUN --mount=type=secret'] },
      { change: 'the size of a tmpfs', edit: [['1000000', '2000000']], runs: ['RUN --mount=type=tmpfs'] },
      {
        change: 'an agent that may be there',
        edit: [['RUN --mount=type=tmpfs', 'RUN --mount=type=ssh --mount=type=tmpfs']],
        runs: ['RUN --mount=type=ssh'],
      },
    ],
  },
  {
    name: 'network and hosts',
    dockerfile: `FROM {busybox} AS one
RUN echo {id} one
FROM one
RUN echo {id} two
`,
    flags: ['--network=host', '--add-host=db=10.0.0.1'],
    rows: [
      { change: 'the address of a host', flags: ['--network=host', '--add-host=db=10.0.0.2'], runs: [] },
      {
        change: 'the name of a host',
        flags: ['--network=host', '--add-host=other=10.0.0.1'],
        runs: ['RUN echo {id} one', 'RUN echo {id} two'],
      },
      {
        change: 'the network of one step',
        edit: [['RUN echo {id} two', 'RUN --network=none echo {id} two']],
        runs: ['RUN --network=none'],
      },
      {
        change: 'the network of all steps',
        flags: ['--network=none', '--add-host=db=10.0.0.1'],
        runs: ['RUN echo {id} one', 'RUN echo {id} two'],
      },
      {
        change: 'the name of the machine that steps see',
        flags: ['--network=host', '--add-host=db=10.0.0.1', '--build-arg=BUILDKIT_SANDBOX_HOSTNAME=other'],
        runs: ['RUN echo {id} one', 'RUN echo {id} two'],
      },
    ],
  },
];
