import type { Scenario } from '../types.ts';

const AFTER_USED = ['RUN echo {id} used', 'RUN echo {id} early', 'RUN echo {id} late'];

/** ARG, ENV, and what only the image's config takes. */
export const ARGUMENTS: readonly Scenario[] = [
  {
    name: 'arguments',
    dockerfile: `ARG GLOBAL=1
FROM {busybox}
ARG USED=1
ARG NAMED=1
RUN echo {id} used $USED
RUN echo {id} early
ARG LATE=1
ENV MODE=a
RUN echo {id} late
`,
    rows: [
      { change: 'nothing', runs: [] },
      { change: 'the value of an ARG', flags: ['--build-arg=USED=2'], runs: AFTER_USED },
      { change: 'the value of an ARG that no step mentions', flags: ['--build-arg=NAMED=2'], runs: AFTER_USED },
      { change: 'the default of an ARG', edit: [['USED=1', 'USED=3']], runs: AFTER_USED },
      { change: 'an ARG given as its default', flags: ['--build-arg=USED=1'], runs: [] },
      { change: 'the value of an ARG after some steps', flags: ['--build-arg=LATE=2'], runs: ['RUN echo {id} late'] },
      { change: 'an ARG before FROM that nothing uses', flags: ['--build-arg=GLOBAL=2'], runs: [] },
      { change: 'an argument that the Dockerfile does not have', flags: ['--build-arg=OTHER=2'], runs: [] },
      { change: 'proxies', flags: ['--build-arg=HTTP_PROXY=http://127.0.0.1:9', '--build-arg=no_proxy=*'], runs: [] },
      { change: 'the value of an ENV', edit: [['MODE=a', 'MODE=b']], runs: ['RUN echo {id} late'] },
      {
        change: 'an ARG that an ENV hides',
        edit: [['ENV MODE=a', 'ARG MODE=x\nENV MODE=a']],
        flags: ['--build-arg=MODE=y'],
        runs: [],
      },
      { change: 'an ARG of which only ENV makes use', edit: [['MODE=a', 'MODE=$LATE']], runs: ['RUN echo {id} late'] },
      {
        change: 'SOURCE_DATE_EPOCH, which no ARG takes',
        flags: ['--build-arg=SOURCE_DATE_EPOCH=1600000000'],
        runs: [],
      },
    ],
  },
  {
    name: 'environment',
    dockerfile: `FROM {busybox}
ENV A=1 B=2
WORKDIR /w
USER root
RUN echo {id} run
RUN ["echo", "{id} exec"]
`,
    rows: [
      { change: 'the order of ENV', edit: [['A=1 B=2', 'B=2 A=1']], runs: ['RUN echo', 'RUN ["echo"'] },
      { change: 'one ENV written as two', edit: [['ENV A=1 B=2', 'ENV A=1\nENV B=2']], runs: [] },
      { change: 'an ENV written the old way', edit: [['ENV A=1 B=2', 'ENV A 1\nENV B 2']], runs: [] },
      { change: 'an ENV set again to what it is', edit: [['USER', 'ENV A=1\nUSER']], runs: [] },
      { change: 'USER', edit: [['USER root', 'USER 1:1']], runs: ['RUN echo', 'RUN ["echo"'] },
      { change: 'WORKDIR', edit: [['/w', '/v']], runs: ['WORKDIR', 'RUN echo', 'RUN ["echo"'] },
      {
        change: 'SOURCE_DATE_EPOCH, which is the time of what WORKDIR makes',
        flags: ['--build-arg=SOURCE_DATE_EPOCH=1600000000'],
        runs: ['WORKDIR', 'RUN echo', 'RUN ["echo"'],
      },
      {
        change: 'WORKDIR, written with another slash',
        edit: [['/w', '/w/']],
        runs: [],
        peer: {
          runs: ['RUN echo', 'RUN ["echo"'],
          why: 'the slash stays in what the process gets as its directory; it is the same directory',
        },
      },
      {
        change: 'SHELL, which counts for what a shell runs',
        edit: [['USER', 'SHELL ["/bin/sh", "-ec"]\nUSER']],
        runs: ['RUN echo', 'RUN ["echo"'],
      },
      { change: 'SHELL, after what a shell runs', edit: [['RUN ["', 'SHELL ["/bin/sh", "-ec"]\nRUN ["']], runs: [] },
      {
        change: 'RUN in its other form',
        edit: [['RUN ["echo", "{id} exec"]', 'RUN echo "{id} exec"']],
        runs: ['RUN echo "'],
      },
    ],
  },
  {
    name: 'config',
    dockerfile: `FROM {busybox}
LABEL version=1
EXPOSE 80
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK CMD true
ENTRYPOINT ["a"]
CMD ["a"]
RUN echo {id} \\
  run
`,
    rows: [
      { change: 'LABEL', edit: [['version=1', 'version=2']], runs: [] },
      { change: 'a label from the command line', flags: ['--label=x=y'], runs: [] },
      { change: 'EXPOSE', edit: [['80', '81']], runs: [] },
      { change: 'VOLUME', edit: [['/data', '/other']], runs: [] },
      { change: 'STOPSIGNAL', edit: [['SIGTERM', 'SIGINT']], runs: [] },
      { change: 'HEALTHCHECK', edit: [['CMD true', '--interval=5s CMD false']], runs: [] },
      { change: 'ENTRYPOINT', edit: [['ENTRYPOINT ["a"]', 'ENTRYPOINT ["b"]']], runs: [] },
      { change: 'CMD', edit: [['CMD ["a"]', 'CMD b']], runs: [] },
      { change: 'ONBUILD', edit: [['EXPOSE', 'ONBUILD RUN echo no\nEXPOSE']], runs: [] },
      { change: 'a comment', edit: [['EXPOSE', '# why\nEXPOSE']], runs: [] },
      { change: 'a comment within a command', edit: [['  run', '# why\n  run']], runs: [] },
      {
        change: 'empty lines and spaces around instructions',
        edit: [
          ['EXPOSE', '\n\n  EXPOSE'],
          ['RUN echo', 'RUN   echo'],
        ],
        runs: [],
      },
      {
        change: 'the case of instructions',
        edit: [
          ['RUN', 'run'],
          ['FROM', 'from'],
        ],
        runs: [],
      },
      { change: 'spaces within a command', edit: [['  run', '    run']], runs: ['RUN echo'] },
      { change: 'the name of the image', flags: ['--tag=keys-{id}:2'], runs: [] },
      { change: 'the line ends of the Dockerfile', sh: "sed -i 's/$/\\r/' Dockerfile", runs: [] },
      { change: 'the name of the Dockerfile', sh: 'mv Dockerfile Other', flags: ['--file={context}/Other'], runs: [] },
    ],
  },
  {
    name: 'heredocs',
    dockerfile: `FROM {busybox}
COPY <<EOF /{id}
text
EOF
RUN <<EOF
echo {id} script
EOF
`,
    rows: [
      { change: 'the text of a file', edit: [['text', 'another text']], runs: ['COPY', 'RUN'] },
      { change: 'the text of a script', edit: [['script', 'another script']], runs: ['RUN'] },
      {
        change: 'the word that ends a script',
        edit: [['RUN <<EOF\necho {id} script\nEOF', 'RUN <<END\necho {id} script\nEND']],
        runs: [],
      },
      {
        change: 'a script whose variables the shell expands, now quoted, where there are none',
        edit: [['RUN <<EOF', "RUN <<'EOF'"]],
        runs: [],
      },
    ],
  },
];
