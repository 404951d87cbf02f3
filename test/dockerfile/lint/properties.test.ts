import test from 'ava';
import { formatFrame } from '../../../src/dockerfile/frame.ts';
import { TsbuildError } from '../../../src/errors.ts';
import { fc } from '../../support/properties.ts';
import { lint } from './support.ts';

/** Texts made of what means something to a Dockerfile, to a shell or to the checks. */
const words = fc.constantFrom(
  'apt-get',
  'install',
  '-y',
  '&&',
  '|',
  ';',
  '"',
  "'",
  '\\',
  '\\\n',
  '\n',
  '$(',
  '${',
  ')',
  '}',
  '#',
  ' ',
  '\t',
  '<<EOF',
  'EOF',
  'FROM',
  'RUN',
  'COPY',
  'ENV',
  'ARG',
  'as',
  '.',
  '[',
  ']',
  '=',
  'npm',
  'ci',
  '# check=',
  'skip=',
  'all',
  '東',
  '\u0301',
  '\r\n',
  'x',
);
const texts = fc.array(words, { maxLength: 40 }).map((parts) => parts.join(''));

test('the checks never fail by themselves, and underline what is in the file', async (t) => {
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const source = `FROM scratch\nRUN ${text}\n`;
      const { warnings, error } = await lint(source, { files: { 'package.json': '{}' } });
      if (error !== undefined && !(error instanceof TsbuildError)) throw error;
      const lines = source.split('\n');
      for (const { range } of warnings) {
        if (range === undefined) continue;
        t.true(range.end.column <= (lines[range.end.line - 1]?.length ?? -1));
        formatFrame(source, range);
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
