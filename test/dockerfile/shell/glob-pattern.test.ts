import test from 'ava';
import { replaceAll, replaceFirst, trimPrefix, trimSuffix } from '../../../src/dockerfile/shell/glob.ts';
import { assertLinear } from '../../support/growth.ts';
import { fc } from '../../support/properties.ts';

const pattern = fc.string({ unit: fc.constantFrom('*', '?', 'a', 'b', '\n', '\u{1f600}'), maxLength: 7 });
const value = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\u{1f600}'), maxLength: 14 });

test('patterns find what regular expressions find', (t) => {
  fc.assert(
    fc.property(pattern, value, (glob, text) => {
      t.is(replaceFirst(glob, text, '<>'), text.replace(toRegExp(glob, true), '<>'));
      const [shortest, longest] = [false, true].map((isGreedy) => toRegExp(glob, isGreedy, '^').exec(text)?.[0] ?? '');
      t.is(trimPrefix(glob, text, false), text.slice(shortest?.length));
      t.is(trimPrefix(glob, text, true), text.slice(longest?.length));
      let [all, previousEnd] = ['', -1];
      let end = 0;
      for (const match of text.matchAll(toRegExp(glob, true, '', 'gu'))) {
        if (match[0] === '' && match.index === previousEnd) continue;
        all += `${text.slice(end, match.index)}<>`;
        end = match.index + match[0].length;
        previousEnd = end;
      }
      t.is(replaceAll(glob, text, '<>'), all + text.slice(end));
    }),
    { numRuns: 2000 },
  );
});

test('a pattern with many stars costs no more than its length times that of the value', async (t) => {
  const replace = (text: string) => {
    t.is(replaceAll('a*a*a*a*a*a*c', text, ''), text);
    t.is(replaceFirst(`${'*a'.repeat(200)}c`, text, ''), text);
    t.is(trimPrefix('*a*a*a*a*b', text, true), text);
    t.is(trimPrefix('*a*a*a*a*b', text, false), text);
    t.is(trimSuffix('b*a*a*a*a*', text, true), text);
  };
  const [short, long] = ['a'.repeat(10_000), 'a'.repeat(60_000)];
  await assertLinear(t, { small: () => replace(short), large: () => replace(long), times: 6 });
});

function toRegExp(glob: string, isGreedy: boolean, before = '', flags = 'u'): RegExp {
  const source = glob.replaceAll('?', '[^\\n]').replaceAll('*', isGreedy ? '[^\\n]*' : '[^\\n]*?');
  return new RegExp(before + source, flags);
}
