import test from 'ava';
import { Nil } from '../../src/cli/format/go-print.ts';
import { ellipsis, humanDuration, humanSize, rfc3339 } from '../../src/cli/format/human.ts';
import { formatRows } from '../../src/cli/format/rows.ts';
import { compileTemplate } from '../../src/cli/format/template.ts';
import { TemplateError } from '../../src/cli/format/template-errors.ts';

const DATA = {
  ID: 'sha256:abc',
  Size: 1234,
  Zero: 0,
  Tags: ['app:1', 'app:2'],
  Labels: { b: '2', a: '1' },
  Config: { Env: ['A=1', 'B=2'], User: '', Entrypoint: new Nil('list'), Volumes: new Nil('map') },
};

/** Templates and what Go's text/template with docker's functions prints for them. */
const TEMPLATES: readonly (readonly [source: string, result: string])[] = [
  ['plain', 'plain'],
  ['{{.ID}}', 'sha256:abc'],
  ['{{ .ID }} {{.Size}}', 'sha256:abc 1234'],
  ['{{.Config.Env}}', '[A=1 B=2]'],
  ['{{.Labels}}', 'map[a:1 b:2]'],
  ['{{.Labels.a}}', '1'],
  ['{{json .Labels}}', '{"b":"2","a":"1"}'],
  ['{{json .Config.Env}}', '["A=1","B=2"]'],
  ['{{.Config.Entrypoint}} {{json .Config.Entrypoint}} {{.Config.Volumes}}', '[] null map[]'],
  ['{{index .Tags 1}}', 'app:2'],
  ['{{index .Labels "b"}}{{index .Labels "none"}}', '2'],
  ['{{index .Config.Env 0}}', 'A=1'],
  ['{{len .Tags}}', '2'],
  ['{{join .Tags ", "}}', 'app:1, app:2'],
  ['{{join (split "a:b" ":") "-"}}', 'a-b'],
  ['{{.ID | upper | printf "%s!"}}', 'SHA256:ABC!'],
  ['{{upper "a"}}{{lower "B"}}{{title "hello world"}}', 'AbHello World'],
  ['[{{pad "a" 1 2}}] [{{pad "" 1 2}}]', '[ a  ] []'],
  ['{{truncate .ID 6}}', 'sha256'],
  ['{{slice .ID 7}}', 'abc'],
  [
    '{{printf "%-6s|%6s|%05d|%q|%v|%t|%x|%.2f|%%" "a" "b" 42 "c" .Tags true 255 1.5}}',
    'a     |     b|00042|"c"|[app:1 app:2]|true|ff|1.50|%',
  ],
  ['{{println "a" 1}}', 'a 1\n'],
  ['{{if .Config.User}}user{{else}}root{{end}}', 'root'],
  ['{{if .Zero}}a{{else if .Size}}b{{else}}c{{end}}', 'b'],
  ['{{if and .Size .Zero}}a{{else}}b{{end}}{{if or .Zero .Size}}c{{end}}{{if not .Zero}}d{{end}}', 'bcd'],
  ['{{if eq .ID "x" "sha256:abc"}}same{{end}}{{if ne .Size 1}}different{{end}}', 'samedifferent'],
  ['{{if gt .Size 1000}}big{{end}}{{if le .Size 1000}}small{{end}}', 'big'],
  ['{{range .Tags}}<{{.}}>{{end}}', '<app:1><app:2>'],
  ['{{range $i, $tag := .Tags}}{{$i}}={{$tag}} {{end}}', '0=app:1 1=app:2 '],
  ['{{range $key, $value := .Labels}}{{$key}}{{$value}}{{end}}', 'a1b2'],
  ['{{range .Config.Entrypoint}}x{{else}}none{{end}}', 'none'],
  ['{{range .Tags}}{{$.Size}} {{end}}', '1234 1234 '],
  ['{{with .Config}}{{.Env}}{{end}}{{with .Zero}}x{{else}}y{{end}}', '[A=1 B=2]y'],
  ['{{$x := .Size}}{{$x}}{{$x = 5}}{{$x}}', '12345'],
  ['a  {{- .Zero -}}  b', 'a0b'],
  ['{{/* a comment */}}x', 'x'],
  ['{{"a\\tb\\n"}}{{`raw\\n`}}', 'a\tb\nraw\\n'],
  ['{{(index .Tags 0) | upper}}', 'APP:1'],
  ['{{.Size | printf "%d"}}', '1234'],
  ['{{true}} {{nil | json}}', 'true null'],
];

test('templates', (t) => {
  for (const [source, result] of TEMPLATES) t.is(compileTemplate(source).execute(DATA), result, source);
});

const WRONG: readonly (readonly [source: string, column: number, message: RegExp])[] = [
  ['{{.Sizes}}', 3, /no field "Sizes"/],
  ['ab {{.Config.Env.X}}', 17, /this is a list/],
  ['{{upp .ID}}', 3, /no function "upp"/],
  ['{{if .ID}}x', 3, /not ended/],
  ['{{.ID', 1, /not closed/],
  ['{{"a}}', 3, /not closed/],
  ['{{end}}', 3, /nothing to end/],
  ['{{.ID | }}', 9, /missing/],
  ['{{index .Tags 9}}', 3, /out of range/],
  ['{{upper .Size}}', 3, /expected a string/],
  ['{{$x}}', 3, /no variable \$x/],
  ['{{.ID .Size}}', 3, /no function/],
  ['{{template "x"}}', 3, /not supported/],
  ['{{(upper .ID}}', 3, /not closed/],
  ['{{.ID ? 1}}', 7, /unexpected "\?"/],
  ['{{.Size.X}}', 8, /this is a number/],
];

test('errors of templates point at their column', (t) => {
  for (const [source, column, message] of WRONG) {
    const error = t.throws(() => compileTemplate(source).execute(DATA), { instanceOf: TemplateError }, source);
    t.regex(error?.message ?? '', message, source);
    t.is(error?.details.column, column, source);
    t.is(error?.frame.split('\n')[1]?.indexOf('^'), column + 1, source);
  }
});

test('an error of a template names what was meant', (t) => {
  t.is(
    t.throws(() => compileTemplate('{{.Sise}}').execute(DATA), { instanceOf: TemplateError })?.hint,
    'did you mean .Size?',
  );
  t.is(t.throws(() => compileTemplate('{{uper .ID}}'), { instanceOf: TemplateError })?.hint, 'did you mean upper?');
});

const ROWS = [
  { ID: 'a', Size: '1kB' },
  { ID: 'a-long-identifier', Size: '2kB' },
];
const FORMAT = { table: 'table {{.ID}}\t{{.Size}}', headers: { ID: 'IMAGE ID', Size: 'SIZE' } };

test('rows as table, JSON, template, quiet', (t) => {
  const format = (text: string | undefined): string => formatRows(ROWS, { ...FORMAT, format: text });
  const table = 'IMAGE ID            SIZE\na                   1kB\na-long-identifier   2kB\n';
  t.is(format(undefined), table);
  t.is(format('table'), table);
  t.is(format('table {{.Size}}\\t{{upper .ID}}'), 'SIZE      IMAGE ID\n1kB       A\n2kB       A-LONG-IDENTIFIER\n');
  t.is(format('json'), '{"ID":"a","Size":"1kB"}\n{"ID":"a-long-identifier","Size":"2kB"}\n');
  t.is(format('{{.ID}}:{{.Size}}'), 'a:1kB\na-long-identifier:2kB\n');
  t.is(formatRows(ROWS, { ...FORMAT, format: undefined, quiet: 'ID' }), 'a\na-long-identifier\n');
});

test('a misspelt field is found also where there are no rows', (t) => {
  t.throws(() => formatRows([], { ...FORMAT, format: '{{.Idd}}' }), { instanceOf: TemplateError });
  t.is(formatRows([], { ...FORMAT, format: '{{.ID}}' }), '');
  t.is(formatRows([], { ...FORMAT, format: undefined }), 'IMAGE ID   SIZE\n');
});

test('sizes, spans and times in docker’s words', (t) => {
  const sizes: readonly (readonly [number, string])[] = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [1236, '1.24kB'],
    [127_400_000, '127MB'],
    [1_000_000_000, '1GB'],
    [999_999, '1MB'],
  ];
  for (const [bytes, text] of sizes) t.is(humanSize(bytes), text);
  const spans: readonly (readonly [number, string])[] = [
    [0.5, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [150, '2 minutes'],
    [3600, 'About an hour'],
    [7200, '2 hours'],
    [3 * 86400, '3 days'],
    [15 * 86400, '2 weeks'],
    [90 * 86400, '3 months'],
    [800 * 86400, '2 years'],
  ];
  for (const [seconds, text] of spans) t.is(humanDuration(seconds * 1000), text);
  t.regex(rfc3339(0), /^19(69|70)-\d\d-\d\dT\d\d:00:00(Z|[+-]\d\d:\d\d)$/);
  t.is(ellipsis('abcdef', 4), 'abc…');
  t.is(ellipsis('abcd', 4), 'abcd');
});
