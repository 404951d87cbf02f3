import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A Dockerfile whose every step BuildKit and we must key alike. */
export interface Fixture {
  readonly name: string;
  /** `{BASE}` is the base image, `{GIT}` the URL of a repository with a branch main, a tag v1 and a folder sub, `{COMMIT}` its commit. */
  readonly dockerfile: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Folders of the context that are contexts of their own. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Of the context; others begin with the file of the same name. */
  readonly ignore?: string;
  readonly secret?: string;
  readonly hosts?: Readonly<Record<string, string>>;
}

export function fillIn(
  { dockerfile }: Fixture,
  { base, git }: { readonly base: string; readonly git: string },
): string {
  return dockerfile.replaceAll('{BASE}', base).replaceAll('{GIT}', git).replaceAll('{COMMIT}', GIT_COMMIT);
}

/** Files of every kind that a content digest tells apart. `false` where the file system has no attributes. */
export function writeContext(directory: string): boolean {
  const makeDirectory = (path: string, mode = 0o755): void => {
    if (path === '.') return;
    makeDirectory(dirname(path));
    if (existsSync(join(directory, path))) return;
    mkdirSync(join(directory, path));
    chmodSync(join(directory, path), mode);
  };
  const write = (path: string, data: string, mode = 0o644): void => {
    makeDirectory(dirname(path));
    writeFileSync(join(directory, path), data);
    chmodSync(join(directory, path), mode);
  };
  write('a', 'hello\n');
  write('b', 'b\n', 0o600);
  write('run.sh', '#!/bin/sh\necho run\n', 0o755);
  write('setuid', 's', 0o4755);
  write('large', 'x'.repeat(1_000_000));
  write('zero', '');
  write('naïve – 文字', 'unicode\n');
  write('d/b', 'b\n');
  write('d/c.md', '# c\n');
  write('d/sub/deep/e', 'e\n');
  write('d/sub/deep/f.md', '# f\n');
  write('d-e/g', 'g\n');
  write('d.f', 'between\n');
  write('ign/kept', 'kept\n');
  write('ign/left', 'left\n');
  write('ign/below/left', 'left\n');
  write('only-ignored/left', 'left\n');
  write('other/x', 'x\n');
  write('other/y/z', 'z\n');
  makeDirectory('empty');
  makeDirectory('sticky', 0o1777);
  makeDirectory('links');
  symlinkSync('../a', join(directory, 'links/a'));
  symlinkSync('../d', join(directory, 'links/d'));
  symlinkSync('/d/sub', join(directory, 'links/abs'));
  symlinkSync('nowhere', join(directory, 'd/dangling'));
  symlinkSync('d', join(directory, 'to-d'));
  linkSync(join(directory, 'a'), join(directory, 'd/hard'));
  linkSync(join(directory, 'd/c.md'), join(directory, 'other/hard'));
  chmodSync(join(directory, 'd/sub'), 0o750);
  const attributes = [
    ['other/x', 'user.note', 'seen'],
    ['other/y', 'user.b', ''],
    ['other/y', 'user.a', '1'],
  ];
  const program =
    'import os, sys, json\nfor path, name, value in json.loads(sys.argv[1]): os.setxattr(path, name, value.encode())';
  try {
    execFileSync('python3', ['-c', program, JSON.stringify(attributes)], { cwd: directory, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What the repository holds: the same on every machine, and so is its commit. */
export const GIT_FILES = { 'a.txt': 'a\n', 'sub/b.txt': 'b\n' };
export const GIT_COMMIT = 'b11c004e2f333efa5823b010b78ee0e4f7b0ba56';

const HEREDOC = '<<';

export const FIXTURES: readonly Fixture[] = [
  {
    name: 'run',
    dockerfile: `FROM {BASE}
RUN echo hi > /hi
RUN ["/bin/echo", "exec form", "a<b>&c"]
ENV A=1 B="two words"
RUN echo $A
ARG X=default
ARG Y
RUN echo $X $Y
ENV A=3
RUN echo $A
WORKDIR /w
RUN pwd > here
USER 1000:1000
RUN id
USER nobody
RUN id
SHELL ["/bin/sh", "-e", "-c"]
RUN echo shell
`,
    buildArgs: { Y: 'given' },
  },
  {
    name: 'run-heredoc',
    dockerfile: `FROM {BASE}
RUN ${HEREDOC}EOF
echo one
echo two
EOF
RUN ${HEREDOC}EOF
#!/bin/sh
echo script
EOF
RUN ${HEREDOC}-EOF
	echo tabs
	EOF
RUN cat ${HEREDOC}A ${HEREDOC}'B' > /both
a
A
b $HOME
B
RUN echo continued \\
  # with a comment
  over lines
`,
  },
  {
    name: 'run-mounts',
    dockerfile: `FROM {BASE} AS tools
RUN mkdir -p /t/x && echo t > /t/x/y
FROM {BASE}
WORKDIR /work
RUN --mount=type=bind,source=d,target=/mnt/d ls /mnt/d
RUN --mount=target=. ls
RUN --mount=type=bind,target=/c/ ls /c
RUN --mount=type=bind,source=a,target=rel,rw cat rel
RUN --mount=from=tools,source=/t/x,target=/x cat /x/y
RUN --mount=from=tools,target=/tools --mount=target=/ctx,source=other --mount=from=tools,source=t,target=/again ls /tools /ctx
RUN --mount=type=cache,target=/cache true
RUN --mount=type=cache,target=/root/.cache/,sharing=locked true
RUN --mount=type=cache,id=named,target=/c2,sharing=private,ro true
RUN --mount=type=cache,id=sized,target=/c3,uid=1000,gid=1001,mode=0700 true
RUN --mount=type=cache,target=/c4,uid=5 --mount=type=cache,target=/c5,uid=5 true
RUN --mount=type=cache,target=/c6,from=tools,source=/t true
RUN --mount=type=cache,target=/c7,from=tools,source=/t,uid=5 true
RUN --mount=type=tmpfs,target=/tmp/x true
RUN --mount=type=tmpfs,target=/tmp/x,size=64m true
`,
  },
  {
    name: 'cache-defaults',
    dockerfile: `FROM {BASE}
RUN --mount=type=cache,target=/c true
RUN --mount=type=cache,id=/c,target=/c true
RUN --mount=type=cache,target=/c,sharing=shared true
RUN --mount=type=cache,id=/c/,target=/c true
RUN --mount=type=cache,target=/c/ true
RUN --mount=type=cache,id=/c/,target=/c/ true
RUN --mount=type=cache,target=/c,uid=0,gid=0,mode=0755 true
RUN --mount=type=cache,target=/c,mode=755 true
RUN --mount=type=cache,target=/c,ro=false true
RUN --mount=type=cache,target=/c,from=scratch true
RUN --mount=type=cache,target=/c,source=/ true
WORKDIR /w
RUN --mount=type=cache,target=c true
RUN --mount=type=cache,target=./c true
RUN --mount=type=cache,id=c,target=c true
RUN --mount=type=cache,id=x,target=c true
RUN --mount=type=cache,id=./c,target=./c true
`,
  },
  {
    name: 'cache-owned-tree',
    dockerfile: `FROM {BASE} AS bare
RUN echo 1 > /1
FROM {BASE} AS full
RUN mkdir -m 700 -p /cache/below && echo 1 > /cache/1
FROM scratch AS nothing
FROM {BASE}
RUN --mount=type=cache,target=/c1,from=bare,uid=5 true
RUN --mount=type=cache,target=/c2,from=bare,mode=0700 --mount=type=cache,target=/c3,from=bare,mode=0700 true
RUN --mount=type=cache,target=/c4,from=full,uid=5,gid=6 --mount=type=cache,target=/c5,from=bare,uid=5 true
RUN --mount=type=cache,target=/c6,from=full,mode=0700 --mount=type=bind,target=/full,from=full true
RUN --mount=type=cache,target=/c7,from={BASE},gid=7 true
RUN --mount=type=cache,target=/c8,from=nothing,gid=7 true
`,
  },
  {
    name: 'run-same-base',
    dockerfile: `FROM {BASE} AS one
RUN echo 1 > /1
FROM one
RUN --mount=from=one,source=/1,target=/from cat /from
RUN --mount=from=one,target=/all cat /all/1
`,
  },
  {
    name: 'run-secrets',
    dockerfile: `FROM {BASE}
RUN --mount=type=secret,id=key cat /run/secrets/key
RUN --mount=type=secret,id=key,target=/etc/key,mode=0444,uid=7,gid=8,required=true cat /etc/key
RUN --mount=type=secret,id=key,env=KEY true
RUN --mount=type=secret,id=key,env=KEY,target=/etc/key true
RUN --mount=type=secret,id=missing --mount=type=secret,id=key true
RUN --mount=type=secret,target=/x/key true
RUN --mount=type=ssh true
RUN --mount=type=ssh,id=other,uid=3,mode=0666 true
RUN --mount=type=ssh,target=/agent --mount=type=ssh true
`,
    secret: 'key',
  },
  {
    name: 'run-flags',
    dockerfile: `FROM {BASE}
RUN --network=none true
RUN --network=host true
RUN --network=default true
`,
    hosts: { somewhere: '10.0.0.1', elsewhere: '10.0.0.2' },
  },
  {
    name: 'copy',
    dockerfile: `FROM {BASE}
COPY a /a
COPY a /x/
COPY a b /both/
COPY d /d
COPY d/ /d2/
COPY d /d3/.
COPY d /.
WORKDIR /w
COPY a .
COPY a ./
COPY a sub/name
COPY run.sh setuid large zero /kinds/
COPY ["naïve – 文字", "/u/"]
COPY empty /empty
COPY sticky /sticky/
COPY links/a /linked
COPY links/d /linked-d
COPY links/abs /linked-abs
COPY links/abs/deep /linked-deep
COPY to-d/sub /through
COPY links /links
COPY other /other
COPY . /all
COPY / /root
COPY ./d/../a /cleaned
`,
  },
  {
    name: 'copy-owners',
    dockerfile: `FROM {BASE}
COPY --chown=1000 a /1
COPY --chown=1000:1001 a /2
COPY --chown=nobody a /3
COPY --chown=nobody:nogroup d /4
COPY --chown=root:root a /5
COPY --chown=0 a /6
COPY --chown=nobody:5 a b /7/
COPY --chmod=600 a /8
COPY --chmod=0755 d /9
COPY --chmod=u+x,go-r a /10
COPY --chown=3:4 --chmod=4755 a /11
USER 12:13
WORKDIR /made/for
USER nobody
WORKDIR by-name
`,
  },
  {
    name: 'copy-patterns',
    dockerfile: `FROM {BASE}
COPY d* /1/
COPY *.md none* /2/
COPY d/*.md /3/
COPY */b /4/
COPY d/s*/deep /5/
COPY [ab] /6/
COPY a* /7/
COPY links/* /8/
COPY to-d/*.md /9/
COPY d/sub/d*/e /10/
COPY * /11/
COPY a? d/?.md /12/
COPY other/* /13/
`,
  },
  {
    name: 'copy-exclude',
    dockerfile: `FROM {BASE}
COPY --exclude=*.md d /1
COPY --exclude=**/*.md d /2
COPY --exclude=sub d /3
COPY --exclude=* d /4
COPY --exclude=sub/deep --exclude=b d /5
COPY --exclude=*.md --exclude=!c.md d /6
COPY --exclude=d . /7
COPY --exclude=**/*.md d* /8/
COPY --exclude=deep d/su* /9/
COPY --exclude=none a /10
`,
  },
  {
    name: 'copy-from',
    dockerfile: `FROM {BASE} AS one
RUN mkdir -p /o/p && echo q > /o/p/q && echo '#' > /o/x.md && ln -s p /o/link && chown -R 5:6 /o/p && mkfifo /o/fifo
FROM scratch AS two
COPY --from=one /o /o
FROM scratch AS nothing
FROM {BASE}
COPY --from=one /o/p/q /1
COPY --from=one /o /2
COPY --from=one /o/*.md /3/
COPY --from=one --chown=nobody /o/link /4
COPY --from=two / /5
COPY --from=two /o/p /o/x.md /6/
COPY --from=0 o/p 7
COPY --from=nothing / /8
COPY --from={BASE} /bin/busybox /9
COPY --from=one --exclude=p /o /10
COPY --from=two . /11
`,
  },
  {
    name: 'copy-heredoc',
    dockerfile: `FROM {BASE}
COPY ${HEREDOC}EOF /1
text
EOF
COPY ${HEREDOC}one ${HEREDOC}two a /2/
1
one
2
two
ENV NAME=value
COPY --chmod=700 --chown=9 ${HEREDOC}EOF /3
$NAME
EOF
ADD ${HEREDOC}"EOF" /4
$NAME
EOF
COPY ${HEREDOC}empty /5
empty
`,
  },
  {
    name: 'copy-link',
    dockerfile: `FROM {BASE} AS one
RUN echo 1 > /1
FROM {BASE}
COPY --link a /a
COPY --link --chown=5:6 d /d/
COPY --link --from=one /1 /1
COPY --link --chmod=600 a /b
ADD --link a /c
RUN cat /a
FROM scratch AS three
COPY --link a /a
COPY --link b /b
FROM {BASE}
COPY --from=three / /three
COPY --from=1 /d /d
`,
  },
  {
    name: 'add',
    dockerfile: `FROM {BASE}
ADD a /a
ADD d /d/
ADD --chown=1:2 --chmod=640 b /b
ADD --exclude=*.md d /e
ADD --unpack=false a /f
`,
  },
  {
    name: 'add-git',
    dockerfile: `FROM {BASE}
ADD {GIT} /1
ADD {GIT}#main /2
ADD {GIT}#main:sub /3
ADD {GIT}#:sub/../sub/ /4
ADD {GIT}#v1 /5
ADD {GIT}#{COMMIT} /6
ADD --checksum={COMMIT} {GIT}#main /7
ADD --keep-git-dir {GIT} /8
ADD --keep-git-dir=true {GIT}#main /9
ADD --keep-git-dir {GIT}#v1 /10
ADD --keep-git-dir {GIT}#{COMMIT} /11
ADD --keep-git-dir {GIT}#v1:sub /12
ADD --keep-git-dir --checksum={COMMIT} {GIT}#main /13
ADD --chown=5 {GIT}?submodules=false /14
ADD --keep-git-dir {GIT}?submodules=false&branch=main&subdir=sub /15
RUN true
`,
  },
  {
    name: 'ignore',
    dockerfile: `FROM {BASE}
COPY ign /1
COPY . /2
COPY ign/* /3/
COPY only-ignored /4
COPY --exclude=kept ign /5
`,
    ignore: 'ign\n!ign/kept\nonly-ignored/*\n**/*.md\n!d/c.md\n',
  },
  {
    name: 'stages',
    dockerfile: `FROM {BASE} AS base
ENV E=1
WORKDIR /base
FROM base AS left
RUN echo left > left
FROM base AS right
ARG A=2
RUN echo right > right
ONBUILD RUN echo trigger
FROM right
COPY --from=left /base/left /base/left
COPY --from=right /base/right .
LABEL a=b
EXPOSE 80
VOLUME /v
CMD ["sh"]
ENTRYPOINT ["sh"]
HEALTHCHECK NONE
STOPSIGNAL 9
RUN true
`,
  },
  {
    name: 'scratch',
    dockerfile: `FROM scratch
COPY a /
WORKDIR /w
COPY --chown=0:0 d .
`,
  },
  {
    name: 'workdir-epoch',
    dockerfile: `FROM {BASE} AS one
WORKDIR /a
ARG SOURCE_DATE_EPOCH
WORKDIR b/c
COPY a b /d/
FROM {BASE}
COPY --from=one /a /a
ADD a /e
COPY ${HEREDOC}EOF /f
text
EOF
USER 5
WORKDIR /g/h
RUN pwd
`,
    buildArgs: { SOURCE_DATE_EPOCH: '1234567890' },
  },
  {
    name: 'workdir-late-epoch',
    dockerfile: `FROM scratch
WORKDIR /a
COPY a .
`,
    buildArgs: { SOURCE_DATE_EPOCH: '9000000001' },
  },
  {
    name: 'platform',
    dockerfile: `FROM --platform=$BUILDPLATFORM {BASE} AS native
ARG TARGETPLATFORM
ARG TARGETARCH
RUN echo $TARGETPLATFORM $TARGETARCH
ARG BUILDKIT_SANDBOX_HOSTNAME
RUN hostname
ARG HTTP_PROXY
RUN true
`,
    buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: 'box', HTTP_PROXY: 'http://127.0.0.1:9' },
  },
  {
    name: 'paths',
    dockerfile: `FROM {BASE}
WORKDIR x//y/
COPY a ..
COPY a ../.
COPY a n/./m//o/
COPY --chown=-1:+5 a /1
COPY --chown=5: a /2
COPY --chown=:5 a /3
COPY --chmod=0 a /4
COPY --exclude=sub to-d /5
COPY --exclude=sub t?-d /6/
COPY t?-d /7/
COPY to-d/s* /8/
RUN --mount=target=/a/../b true
RUN --mount=target=./rel/../x true
RUN --mount=type=secret,id=k,target=rel --mount=type=secret,id=l,target=/a/../b true
`,
  },
  {
    name: 'nothing-sent',
    dockerfile: `FROM {BASE}
COPY . /all
`,
    ignore: '*',
  },
  {
    name: 'contexts',
    dockerfile: `FROM {BASE}
COPY --from=more x /1
COPY --from=more . /2
RUN --mount=from=more,target=/m cat /m/x
RUN --mount=from=more,source=y,target=/m cat /m/z
`,
    contexts: { more: 'other' },
  },
];
