import test from 'ava';
import { assertLinear } from '../../support/growth.ts';
import { convert } from './support.ts';

const SMALL = 1_000;
const TIMES = 8;

/** Files whose lines each add to something that later lines look at or carry along. */
const FILES: Readonly<Record<string, (lines: number) => string>> = {
  'ENV and RUN in turn': (n) => `FROM x\n${repeat(n, (i) => (i % 2 ? `RUN a ${i}` : `ENV NAME_${i}=value${i}`))}`,
  'ARG and RUN in turn': (n) => `FROM x\n${repeat(n, (i) => (i % 2 ? `RUN a ${i}` : `ARG A${i}=1`))}`,
  'every variable set again, one for each RUN': (n) =>
    `FROM x\n${repeat(n / 2, (i) => `ENV N${i}=v`)}\n${repeat(n / 2, (i) => (i % 2 ? `RUN a ${i}` : `ENV N${i}=w`))}`,
  COPY: (n) => `FROM x\n${repeat(n, (i) => `COPY a${i} b /d${i}/`)}`,
  'COPY --from, another image each': (n) => `FROM x\n${repeat(n, (i) => `COPY --from=img${i} /a /b`)}`,
  'a chain of stages': (n) => `FROM x AS s0\n${repeat(n / 2, (i) => `FROM s${i} AS s${i + 1}\nRUN a ${i}`)}`,
  'a chain of stages that set variables': (n) =>
    `FROM x AS s0\n${repeat(n / 4, (i) => `FROM s${i} AS s${i + 1}\nARG A${i}=1\nENV E${i}=2\nRUN a`)}`,
  'a chain of stages that set labels': (n) =>
    `FROM x AS s0\n${repeat(n / 2, (i) => `FROM s${i} AS s${i + 1}\nLABEL l${i}=1`)}`,
  'stages of one large base': (n) =>
    `FROM x AS base\n${repeat(n / 4, (i) => `LABEL l${i}=1\nENV e${i}=2`)}\n` +
    `${repeat(n / 6, (i) => `FROM base AS s${i}\nLABEL z=${i}\nENV z=1`)}\nFROM base\n${repeat(n / 6, (i) => `COPY --from=s${i} /a /b`)}`,
  ONBUILD: (n) => `FROM x AS a\n${repeat(n, (i) => `ONBUILD RUN a ${i}`)}\nFROM a`,
  'variables that are not set': (n) => `FROM x\n${repeat(n, (i) => (i % 2 ? `ENV N${i}=v` : `LABEL a=$M${i}`))}`,
  'heredocs of one COPY': (n) =>
    `FROM x\nCOPY ${repeat(n / 2, (i) => `<<E${i} \\`)}\n /d/\n${repeat(n / 2, (i) => `E${i}`)}`,
  'lines of one heredoc': (n) => `FROM x\nENV A=1\nCOPY <<E /f\n${repeat(n * 10, (i) => `echo $A ${i}`)}\nE`,
  'a script in a heredoc': (n) => `FROM x\nRUN <<E\n${repeat(n * 2, (i) => `make a${i} && b`)}\nE`,
  'one continued line': (n) => `FROM x\nRUN a \\\n${repeat(n * 10, (i) => (i % 3 ? `  b ${i} \\` : '  # c'))}\n  d`,
  'empty lines in continued ones': (n) => `FROM x\n${repeat(n / 3, () => 'RUN a \\\n\n  b')}`,
};

for (const [name, makeFile] of Object.entries(FILES))
  test.serial(`converts in time linear in the file: ${name}`, async (t) => {
    const [small, large] = [makeFile(SMALL), makeFile(SMALL * TIMES)];
    const convertQuietly = (source: string) => convert(source, { onWarning: () => {} });
    await assertLinear(t, { small: () => convertQuietly(small), large: () => convertQuietly(large), times: TIMES });
  });

function repeat(count: number, line: (index: number) => string): string {
  return Array.from({ length: Math.floor(count) }, (_, index) => line(index)).join('\n');
}
