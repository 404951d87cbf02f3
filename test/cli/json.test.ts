import test from 'ava';
import { formatJson } from '../../src/cli/format/json.ts';
import { compileTemplate } from '../../src/cli/format/template.ts';

const HOSTILE = { Env: ['V=\u009b31m\u0085', '\u202eevil', '\u007f'], Plain: 'ünï 😀 \u001b[1m' };

test('JSON that is shown drives no terminal, and is the same value', (t) => {
  for (const shown of [formatJson(HOSTILE), formatJson(HOSTILE, 4)]) {
    t.notRegex(shown.replaceAll('\n', ''), /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
    t.deepEqual(JSON.parse(shown), HOSTILE);
  }
  t.is(formatJson(HOSTILE.Env), '["V=\\u009b31m\\u0085","\\u202eevil","\\u007f"]');
  t.is(formatJson('ünï 😀'), '"ünï 😀"');
  t.is(compileTemplate('{{json .Env}}').execute(HOSTILE), formatJson(HOSTILE.Env));
});
