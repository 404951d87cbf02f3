// Each reason for which a step may run again: two real builds of a small project, and what is said of the second.
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { BuildRequest } from '../../src/build-types.ts';
import { formatExplanation } from '../../src/cli/format/explanation.ts';
import { build, explainBuild, pruneStore } from '../../src/index.ts';
import { startBaseRegistry } from '../support/base-registry.ts';
import { BASE_NEEDS } from '../support/bases.ts';
import { exec } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import { missingNeeds } from '../support/machine.ts';
import { testNeeding } from '../support/needs.ts';
import type { Registry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const NEEDS = ['root', 'docker-registry', 'skopeo', ...BASE_NEEDS.busybox] as const;

let registry: Registry;
test.before(async () => {
  if (missingNeeds(NEEDS).length === 0) registry = await startBaseRegistry(['busybox']);
});
test.after.always(async () => registry?.stop());

interface Row {
  readonly name: string;
  /** After `FROM busybox`, but where it has a FROM of its own. */
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Between the builds. */
  readonly change?: (context: string, store: string) => unknown;
  /** The Dockerfile of the second build. */
  readonly becomes?: string;
  readonly first?: Partial<BuildRequest>;
  readonly second?: Partial<BuildRequest>;
  /** What is said after the first line. */
  readonly says: readonly (string | RegExp)[];
  /** In the first line. */
  readonly head?: RegExp;
}

const edit = (name: string, text: string) => (context: string) => writeFileSync(join(context, name), text);

const ROWS: readonly Row[] = [
  {
    name: 'nothing changed: nothing ran',
    dockerfile: 'COPY a /a\nRUN true',
    files: { a: 'a' },
    says: [],
    head: /^cache: no step ran, 2 came from the cache; compared with build /,
  },
  {
    name: 'the content of a file',
    dockerfile: 'COPY src/ /app/\nRUN true',
    files: { 'src/a.js': 'a', 'src/b.js': 'b' },
    change: edit('src/a.js', 'A'),
    says: [
      '[2/3] COPY src/ /app/ (Dockerfile:2)',
      '    src/a.js changed (sha256:ca978112ca1b -> sha256:559aead08264)',
      '  + 1 step after it: [3/3] RUN true',
    ],
  },
  {
    name: 'the mode of a file',
    dockerfile: 'COPY run.sh /',
    files: { 'run.sh': '' },
    change: (context) => chmodSync(join(context, 'run.sh'), 0o755),
    says: ['[2/2] COPY run.sh / (Dockerfile:2)', '    run.sh mode 0644 -> 0755'],
  },
  {
    name: 'a file more, a file less',
    dockerfile: 'COPY src /app',
    files: { 'src/old': '1', 'src/kept': '2' },
    change: (context) => renameSync(join(context, 'src/old'), join(context, 'src/new')),
    says: ['[2/2] COPY src /app (Dockerfile:2)', '    src/new added', '    src/old removed'],
  },
  {
    name: 'the target of a symlink, and a file that becomes one',
    dockerfile: 'COPY . /app',
    files: { a: '1', b: '2', f: 'a' },
    change: (context) => {
      unlinkSync(join(context, 'f'));
      symlinkSync('b', join(context, 'f'));
    },
    says: ['[2/2] COPY . /app (Dockerfile:2)', '    f type file -> symlink, mode 0644 -> 0777'],
  },
  {
    name: 'many files: ten, and how many more',
    dockerfile: 'COPY src /app',
    files: { 'src/x': '' },
    change: (context) => {
      for (let number = 100; number < 425; number++) writeFileSync(join(context, `src/f${number}`), '');
    },
    says: [
      '[2/2] COPY src /app (Dockerfile:2)',
      ...Array.from({ length: 10 }, (_, index) => `    src/f${100 + index} added`),
      '    and 315 more',
    ],
  },
  {
    name: 'a pattern matches another file',
    dockerfile: 'COPY *.txt /app/',
    files: { 'a.txt': 'a', 'b.md': 'b' },
    change: edit('c.txt', 'c'),
    says: ['[2/2] COPY *.txt /app/ (Dockerfile:2)', '    c.txt added'],
  },
  {
    name: 'the ignore file lets a file through, and leaves another out',
    dockerfile: 'COPY . /app',
    files: { '.dockerignore': '.dockerignore\nDockerfile\nsecret', secret: 's', notes: 'n', kept: 'k' },
    change: edit('.dockerignore', '.dockerignore\nDockerfile\nnotes'),
    says: [
      '[2/2] COPY . /app (Dockerfile:2)',
      '    secret added (.dockerignore lets it through now)',
      '    notes removed (.dockerignore leaves it out now)',
    ],
  },
  {
    name: 'an ARG',
    dockerfile: 'ARG VERSION=1\nRUN echo $VERSION\nRUN true',
    second: { buildArgs: { VERSION: '2' } },
    says: ['[2/3] RUN echo 2 (Dockerfile:3)', '    ARG VERSION: 1 -> 2', '  + 1 step after it: [3/3] RUN true'],
  },
  {
    name: 'an ARG whose name looks like a secret: no value is shown',
    dockerfile: 'ARG API_TOKEN\nRUN echo hello',
    first: { buildArgs: { API_TOKEN: 'first-value' } },
    second: { buildArgs: { API_TOKEN: 'second-value' } },
    says: ['[2/2] RUN echo hello (Dockerfile:3)', '    ARG API_TOKEN: changed (its values are not shown)'],
  },
  {
    name: 'an ARG that is no longer set',
    dockerfile: 'ARG EXTRA\nRUN true',
    first: { buildArgs: { EXTRA: 'x' } },
    says: ['[2/2] RUN true (Dockerfile:3)', '    ARG EXTRA: no longer set (was x)'],
  },
  {
    name: 'an ENV',
    dockerfile: 'ENV MODE=debug\nRUN echo $MODE',
    becomes: 'ENV MODE=release\nRUN echo $MODE',
    says: ['[2/2] RUN echo release (Dockerfile:3)', '    ENV MODE: debug -> release'],
  },
  {
    name: 'an ENV more',
    dockerfile: 'RUN true',
    becomes: 'ENV NEW=1\nRUN true',
    says: ['[2/2] RUN true (Dockerfile:3)', '    ENV NEW: 1 (new)'],
  },
  {
    name: 'the order of ENV',
    dockerfile: 'ENV A=1\nENV B=2\nRUN true',
    becomes: 'ENV B=2\nENV A=1\nRUN true',
    says: ['[2/2] RUN true (Dockerfile:4)', '    its variables stand in another order'],
  },
  {
    name: 'the text of an instruction',
    dockerfile: 'RUN echo one\nRUN true',
    becomes: 'RUN echo two\nRUN true',
    says: [
      '[2/3] RUN echo two (Dockerfile:2)',
      '    instruction changed:',
      '      - RUN echo one',
      '      + RUN echo two',
      '  + 1 step after it: [3/3] RUN true',
    ],
  },
  {
    name: 'a new instruction',
    dockerfile: 'RUN echo a\nRUN echo c',
    becomes: 'RUN echo a\nCOPY Dockerfile /\nRUN echo c',
    says: [
      '[3/4] COPY Dockerfile / (Dockerfile:3)',
      '    the instruction is new',
      '  + 1 step after it: [4/4] RUN echo c',
    ],
  },
  {
    name: 'an instruction that is gone',
    dockerfile: 'RUN echo a\nRUN echo b\nRUN echo c',
    becomes: 'RUN echo a\nRUN echo c',
    says: ['[3/3] RUN echo c (Dockerfile:3)', '    no longer there before it: RUN echo b'],
  },
  {
    name: 'the order of instructions',
    dockerfile: 'RUN echo a\nRUN echo b\nRUN echo c',
    becomes: 'RUN echo b\nRUN echo a\nRUN echo c',
    says: [
      '[2/4] RUN echo b (Dockerfile:2)',
      '    the order of instructions changed: before it stood RUN echo a',
      '',
      '[3/4] RUN echo a (Dockerfile:3)',
      '    the order of instructions changed: before it stood FROM busybox',
      '',
      '[4/4] RUN echo c (Dockerfile:4)',
      '    the order of instructions changed: before it stood RUN echo b',
    ],
  },
  {
    name: 'the user and the working directory',
    dockerfile: 'USER 1000\nWORKDIR /a\nRUN true',
    becomes: 'USER 1001\nWORKDIR /b\nRUN true',
    says: [
      '[2/3] WORKDIR /b (Dockerfile:3)',
      '    instruction changed:',
      '      - WORKDIR /a',
      '      + WORKDIR /b',
      '',
      '[3/3] RUN true (Dockerfile:4)',
      '    working directory: /a -> /b',
      '    user: 1000 -> 1001',
    ],
  },
  {
    name: 'the shell',
    dockerfile: 'RUN true',
    becomes: 'SHELL ["/bin/sh", "-ec"]\nRUN true',
    says: ['[2/2] RUN true (Dockerfile:3)', '    command: /bin/sh -c true -> /bin/sh -ec true'],
  },
  {
    name: 'the network',
    dockerfile: 'RUN true',
    second: { network: 'none' },
    says: ['[2/2] RUN true (Dockerfile:2)', '    network: default -> none'],
  },
  {
    name: '--chmod by a variable',
    dockerfile: 'ARG MODE=644\nCOPY --chmod=$MODE a /a',
    files: { a: 'a' },
    second: { buildArgs: { MODE: '600' } },
    says: ['[2/2] COPY --chmod=600 a /a (Dockerfile:3)', '    --chmod: 0644 -> 0600'],
  },
  {
    name: 'a source by a variable',
    dockerfile: 'ARG NAME=a\nCOPY $NAME /x',
    files: { a: 'a', b: 'b' },
    second: { buildArgs: { NAME: 'b' } },
    says: ['[2/2] COPY b /x (Dockerfile:3)', '    source: /a -> /b', '    b added', '    a removed'],
  },
  {
    name: 'an inline file',
    dockerfile: 'COPY <<E /x\none\nE\nRUN true',
    becomes: 'COPY <<E /x\ntwo\nE\nRUN true',
    says: [
      '[2/3] COPY <<E /x (Dockerfile:2)',
      '    instruction changed:',
      '      - COPY <<E /x one E',
      '      + COPY <<E /x two E',
      '  + 1 step after it: [3/3] RUN true',
    ],
  },
  {
    name: 'a mount',
    dockerfile: 'RUN --mount=type=cache,target=/c true',
    becomes: 'RUN --mount=type=cache,target=/d true',
    says: [
      '[stage-0 2/2] RUN --mount=type=cache,target=/d true (Dockerfile:2)',
      '    instruction changed:',
      '      - RUN --mount=type=cache,target=/c true',
      '      + RUN --mount=type=cache,target=/d true',
    ],
  },
  {
    name: 'a file of a bind mount',
    dockerfile: 'RUN --mount=target=/src,source=lib cat /src/a',
    files: { 'lib/a': 'one' },
    change: edit('lib/a', 'two'),
    says: [
      '[stage-0 2/2] RUN --mount=target=/src,source=lib cat /src/a (Dockerfile:2)',
      '    lib/a changed (sha256:7692c3ad3540 -> sha256:3fc4ccfe7458)',
    ],
  },
  {
    name: 'another result of a step, copied',
    dockerfile:
      'FROM busybox AS build\nCOPY a /a\nRUN cat /a > /out\nRUN echo same > /same\nFROM busybox\nCOPY --from=build /out /out\nCOPY --from=build /same /same\nRUN true',
    files: { a: 'one' },
    change: edit('a', 'two'),
    says: [
      '[build 2/4] COPY a /a (Dockerfile:2)',
      '    a changed (sha256:7692c3ad3540 -> sha256:3fc4ccfe7458)',
      '  + 4 steps after it: [build 3/4] RUN cat /a > /out, [build 4/4] RUN echo same > /same, [stage-1 3/4] COPY --from=build /same /same, …',
      '',
      '[stage-1 2/4] COPY --from=build /out /out (Dockerfile:6)',
      '    because [build 2/4] COPY a /a ran anew and gave another result',
      '    out in stage "build" changed (sha256:7692c3ad3540 -> sha256:3fc4ccfe7458)',
    ],
  },
  {
    name: '--no-cache',
    dockerfile: 'RUN echo a\nRUN echo b',
    second: { noCache: true },
    says: [
      '[2/3] RUN echo a (Dockerfile:2)',
      '    asked to run by --no-cache',
      '  + 1 step after it: [3/3] RUN echo b',
    ],
  },
  {
    name: '--no-cache-filter',
    dockerfile: 'FROM busybox AS one\nRUN echo a\nFROM one AS two\nRUN echo b',
    second: { noCacheFilter: ['two'] },
    says: ['[two 1/1] RUN echo b (Dockerfile:4)', '    asked to run by --no-cache-filter=two'],
  },
  {
    name: 'the base image has another digest',
    dockerfile: 'FROM busybox:moving\nRUN true',
    second: { pull: true },
    change: () => copyImage('moving', 'other'),
    says: [
      '[2/2] RUN true (Dockerfile:2)',
      /^ {4}FROM 127\.0\.0\.1:\d+\/busybox:moving: base sha256:[0-9a-f]{12} -> sha256:[0-9a-f]{12}$/,
    ],
  },
  {
    name: 'another base image',
    dockerfile: 'RUN true',
    becomes: 'FROM busybox:other\nRUN true',
    says: [
      '[2/2] RUN true (Dockerfile:2)',
      /^ {4}FROM 127\.0\.0\.1:\d+\/busybox:other: base 127\.0\.0\.1:\d+\/busybox:1 -> 127\.0\.0\.1:\d+\/busybox:other$/,
    ],
  },
  {
    name: 'its result was removed from the cache',
    first: { outputs: [{ type: 'tar', dest: '/dev/null' }] },
    dockerfile: 'RUN echo a\nRUN echo b',
    change: (_context, store) => pruneStore({ root: store, all: true }),
    says: [
      '[2/3] RUN echo a (Dockerfile:2)',
      /^ {4}nothing changed since build \d{8}T\d{6}-[0-9a-f]{8}: its result was removed from the cache$/,
      '  + 1 step after it: [3/3] RUN echo b',
    ],
  },
  {
    name: 'another target, another build to compare with',
    dockerfile: 'FROM busybox AS one\nRUN echo a\nFROM one AS two\nARG X=1\nRUN echo $X',
    first: { target: 'two' },
    second: { target: 'one', buildArgs: { X: '3' } },
    says: [],
    head: /another target: two -> one$/,
  },
  {
    name: 'a linked copy',
    dockerfile: 'COPY --link a /a\nCOPY --link b /b\nRUN true',
    files: { a: 'a', b: 'b' },
    change: edit('a', 'A'),
    says: [
      '[2/4] COPY --link a /a (Dockerfile:2)',
      '    a changed (sha256:ca978112ca1b -> sha256:559aead08264)',
      '  + 1 step after it: [4/4] RUN true',
    ],
  },
];

async function copyImage(to: string, from: string): Promise<void> {
  const place = (tag: string): string => `docker://${registry.host}/busybox:${tag}`;
  await exec('skopeo', [
    'copy',
    '--insecure-policy',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    place(from),
    place(to),
  ]);
}

/** Another image of the same name. */
async function pushOther(): Promise<void> {
  const work = makeTempDir('other');
  try {
    writeFiles(work, { Dockerfile: `FROM ${registry.host}/busybox:1\nCOPY Dockerfile /\n` });
    await build({ context: work, root: join(work, 'store'), tags: [`${registry.host}/busybox:other`], push: true });
  } finally {
    removeTree(work);
  }
}

function fillIn(dockerfile: string): string {
  const text = dockerfile.startsWith('FROM') ? dockerfile : `FROM busybox\n${dockerfile}`;
  return text.replaceAll(/FROM busybox(:\w+)?/g, (_, tag: string = ':1') => `FROM ${registry.host}/busybox${tag}`);
}

testNeeding(NEEDS, 'why a step ran: a row for each reason', async (t) => {
  await pushOther();
  await copyImage('moving', '1');
  for (const [index, row] of ROWS.entries()) {
    const work = makeTempDir('explain');
    const [context, store] = [join(work, 'app'), join(work, 'store')];
    mkdirSync(context);
    writeFiles(context, { Dockerfile: fillIn(row.dockerfile), ...row.files });
    const request = { context, root: store, dockerfile: join(context, 'Dockerfile') };
    await build({ ...request, ...row.first });
    // What a cached build writes down of its keys is as good.
    if (index % 2 === 1) await build({ ...request, ...row.first });
    await row.change?.(context, store);
    if (row.becomes !== undefined) writeFileSync(join(context, 'Dockerfile'), fillIn(row.becomes));
    const { id } = await build({ ...request, ...row.second });
    const text = formatExplanation(await explainBuild(id, { root: store }));
    const clean = text
      .replaceAll(request.dockerfile, 'Dockerfile')
      .replaceAll(`FROM ${registry.host}/busybox:1`, 'FROM busybox');
    const [head = '', , ...lines] = clean.trimEnd().split('\n');
    if (row.head !== undefined) t.regex(head, row.head, row.name);
    t.is(lines.length, row.says.length, `${row.name}\n${clean}`);
    for (const [number, says] of row.says.entries()) {
      if (typeof says === 'string') t.is(lines[number], says, `${row.name}\n${clean}`);
      else t.regex(lines[number] ?? '', says, `${row.name}\n${clean}`);
    }
    if (row.name.includes('looks like a secret'))
      for (const name of readdirSync(join(store, 'builds'), { recursive: true, withFileTypes: true }))
        if (name.isFile())
          t.false(/(?:first|second)-value/.test(readFileSync(join(name.parentPath, name.name), 'latin1')));
    removeTree(work);
  }
});
