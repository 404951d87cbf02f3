import type { Random } from './random.ts';

/** Where a build's result goes, to be looked at there. */
export const OUTPUTS = ['local', 'local', 'oci', 'push', 'image', 'squash'] as const;

/** A build, and what it must give. */
export interface PlannedBuild {
  readonly dockerfile: string;
  readonly files: Readonly<Record<string, string>>;
  /** The files below `/w`, by path from there. */
  readonly expected: ReadonlyMap<string, string>;
  readonly output: (typeof OUTPUTS)[number];
  readonly flags: readonly string[];
  /** It is killed after so long. */
  readonly killAfterMs?: number;
}

/** A base of several layers, for builds that fetch and unpack it at once. */
export const LAYERED_BASE = `ARG REGISTRY
FROM $REGISTRY/busybox:1
${Array.from({ length: 6 }, (_, i) => `RUN mkdir -p /l && seq ${i} 20000 >/l/${i} && rm -f /l/${i - 2}\n`).join('')}`;

/** A step, and what it does to the files below `/w`. */
interface Step {
  readonly line: string;
  readonly apply: (files: Map<string, string>) => void;
}

const write = (line: string, path: string, text: string): Step => ({
  line,
  apply: (files) => void files.set(path, text),
});

const numbers = (count: number): string => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('');

/** Chains that many builds begin with, each to a length of its own. */
const PREFIXES: readonly (readonly Step[])[] = [
  [
    write('RUN mkdir -p /w && echo p0 >/w/p0', 'p0', 'p0\n'),
    write('RUN sleep 0.2 && seq 1 3000 >/w/numbers', 'numbers', numbers(3000)),
    {
      line: 'RUN cp /w/p0 /w/p1 && rm /w/p0',
      apply(files) {
        files.set('p1', files.get('p0') ?? '');
        files.delete('p0');
      },
    },
    write('RUN --mount=type=cache,id=pre,target=/cache date >>/cache/log && echo cached >/w/p2', 'p2', 'cached\n'),
    {
      line: 'RUN mv /w/numbers /w/moved',
      apply(files) {
        files.set('moved', files.get('numbers') ?? '');
        files.delete('numbers');
      },
    },
  ],
  [
    write('RUN mkdir -p /w/d && echo q0 >/w/d/q0 && sleep 0.1', 'd/q0', 'q0\n'),
    write('RUN for i in 1 2 3; do echo $i; done >/w/d/q1', 'd/q1', '1\n2\n3\n'),
    {
      line: 'RUN rm -r /w/d && mkdir /w/d && echo again >/w/d/q2',
      apply(files) {
        for (const path of files.keys()) if (path.startsWith('d/')) files.delete(path);
        files.set('d/q2', 'again\n');
      },
    },
    write('RUN --mount=type=cache,id=locked,target=/c,sharing=locked echo x >>/c/x && echo q3 >/w/q3', 'q3', 'q3\n'),
  ],
  [
    write('RUN mkdir /w', '.keep', ''),
    write('RUN --mount=type=cache,id=own,target=/c,sharing=private echo r >/w/r && sleep 0.1', 'r', 'r\n'),
  ],
];

/** Stages of their own that a final stage copies from; each makes `/tool`. */
const TOOLS: readonly { readonly lines: readonly string[]; readonly text: string }[] = [
  { lines: ['RUN sleep 0.3 && seq 1 2000 >/tool'], text: numbers(2000) },
  { lines: ['RUN echo tool >/part', 'RUN cat /part /part >/tool'], text: 'tool\ntool\n' },
  {
    lines: ['RUN head -c 500000 /dev/zero | tr "\\0" x >/tool && echo $(date +%N) >/other'],
    text: 'x'.repeat(500_000),
  },
];

export function planBuild(random: Random, index: number, killChance: number): PlannedBuild {
  const files: Record<string, string> = {};
  const model = new Map<string, string>();
  const lines: string[] = [];
  const stages: string[] = [];
  const add = (step: Step): void => {
    lines.push(step.line);
    step.apply(model);
  };

  const prefix = random.pick(PREFIXES);
  // What a step makes below /w is there from the first on.
  for (const step of prefix.slice(0, 1 + random.below(prefix.length))) add(step);
  // The directory alone is no file.
  model.delete('.keep');
  for (let count = random.below(5); count > 0; count--) add(makeStep(random, files, stages));
  const own = `${index} ${random.below(3)}`;
  if (random.chance(0.5)) add(write(`RUN echo "${own}" >/w/own`, 'own', `${own}\n`));

  return {
    dockerfile: `ARG REGISTRY\n${stages.join('')}FROM $REGISTRY/${random.chance(0.3) ? 'layers' : 'busybox'}:1\n${lines.join('\n')}\n`,
    files,
    expected: model,
    output: random.pick(OUTPUTS),
    flags: [
      ...(random.chance(0.1) ? ['--no-cache'] : []),
      ...(random.chance(0.2) ? ['--max-parallelism', String(1 + random.below(3))] : []),
      ...(random.chance(0.2) ? [`--cache-to=type=registry,ref=$REGISTRY/cache:${index % 4},mode=max`] : []),
      ...(random.chance(0.2) ? [`--cache-from=type=registry,ref=$REGISTRY/cache:${random.below(4)}`] : []),
    ],
    ...(random.chance(killChance) ? { killAfterMs: random.pick([100, 400, 2500]) * random.next() + 30 } : {}),
  };
}

function makeStep(random: Random, files: Record<string, string>, stages: string[]): Step {
  const file = `f${random.below(4)}`;
  // The same file of two steps has one content.
  files[file] ??= `content ${random.below(4)} of ${file}\n`;
  const text = files[file];
  switch (random.below(7)) {
    case 0:
      return write(`COPY ${file} /w/${file}`, file, text);
    case 1:
      return write(`COPY --link ${file} /w/linked/${file}`, `linked/${file}`, text);
    case 2:
      return write(`COPY --chmod=755 --chown=1000 ${file} /w/x${file}`, `x${file}`, text);
    case 3:
      return write(`RUN --mount=type=bind,target=/src cat /src/${file} /src/${file} >/w/twice`, 'twice', text + text);
    case 4: {
      const mounted = random.below(TOOLS.length);
      const tool = useTool(mounted, stages);
      return write(
        `RUN --mount=type=bind,from=tool${mounted},source=/tool,target=/t wc -c </t >/w/size${mounted}`,
        `size${mounted}`,
        `${tool.length}\n`,
      );
    }
    default: {
      const copied = random.below(TOOLS.length);
      const link = random.chance(0.3) ? '--link ' : '';
      return write(`COPY ${link}--from=tool${copied} /tool /w/tool${copied}`, `tool${copied}`, useTool(copied, stages));
    }
  }
}

function useTool(index: number, stages: string[]): string {
  const { lines = [], text = '' } = TOOLS[index] ?? {};
  const stage = `FROM $REGISTRY/busybox:1 AS tool${index}\n${lines.join('\n')}\n`;
  if (!stages.includes(stage)) stages.push(stage);
  return text;
}
