import test from 'ava';
import type { CommandSpec } from '../../src/cli/command-spec.ts';
import { collect } from '../../src/cli/command-spec.ts';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { parseCommand } from '../../src/cli/parse.ts';
import { parseRoute } from '../../src/cli/route.ts';
import { TsbuildError } from '../../src/errors.ts';

const spec: CommandSpec = {
  name: 'try',
  usage: '[OPTIONS] ARG...',
  summary: 'For tests',
  options: [
    { flags: '-q, --quiet', description: '' },
    { flags: '-f, --file <path>', description: '' },
    { flags: '-t, --tag <name>', description: '', parse: collect },
    { flags: '-H, --human', description: '', default: true },
    { flags: '--no-cache', description: '' },
    { flags: '--mode <mode>', description: '', choices: ['one', 'two'] },
  ],
  minArgs: 0,
  maxArgs: 2,
  run() {},
};

const LINES: readonly (readonly [argv: readonly string[], args: readonly string[], flags: object])[] = [
  [[], [], { human: true }],
  [['.'], ['.'], { human: true }],
  [['-q', '.'], ['.'], { human: true, quiet: true }],
  [['.', '-q'], ['.'], { human: true, quiet: true }],
  [['-qf', 'x', '.'], ['.'], { human: true, quiet: true, file: 'x' }],
  [['-fx'], [], { human: true, file: 'x' }],
  [['-f=x'], [], { human: true, file: 'x' }],
  [['-f', '-'], [], { human: true, file: '-' }],
  [['-f', ''], [], { human: true, file: '' }],
  [['--file=a=b'], [], { human: true, file: 'a=b' }],
  [['--file', '--quiet'], [], { human: true, file: '--quiet' }],
  [['-t', 'a', '--tag=b', '-tc'], [], { human: true, tag: ['a', 'b', 'c'] }],
  [['--quiet=false'], [], { human: true, quiet: false }],
  [['-q=0'], [], { human: true, quiet: false }],
  [['--no-cache=true'], [], { human: true, noCache: true }],
  [['--no-cache', '--no-cache=false'], [], { human: true, noCache: false }],
  [['--human=false'], [], { human: false }],
  [['--', '-q'], ['-q'], { human: true }],
  [['-'], ['-'], { human: true }],
  [['--mode', 'two'], [], { human: true, mode: 'two' }],
  [['--root', '/r', '-D'], [], { human: true, root: '/r', debug: true }],
];

test('command lines as docker reads them', (t) => {
  for (const [argv, args, flags] of LINES) t.deepEqual(parseCommand(spec, argv), { args, flags }, argv.join(' '));
});

const BAD: readonly (readonly [argv: readonly string[], message: RegExp, hint?: RegExp])[] = [
  [['--quite'], /unknown flag: --quite/, /did you mean --quiet/],
  [['-x'], /unknown flag: -x/],
  [['-qx'], /unknown flag: -x in -qx/],
  [['--file'], /flag needs a value: -f, --file/],
  [['--quiet=maybe'], /must be true or false/],
  [['--mode', 'tow'], /must be one of one, two/, /did you mean two/],
  [['a', 'b', 'c'], /takes at most 2 arguments, and got 3/],
];

test('command lines that are wrong', (t) => {
  for (const [argv, message, hint] of BAD) {
    const error = t.throws(() => parseCommand(spec, argv), { instanceOf: TsbuildError, message }, argv.join(' '));
    if (hint !== undefined) t.regex(error?.hint ?? '', hint, argv.join(' '));
  }
});

const ROUTES: readonly (readonly [argv: string, command: string | undefined, args: string])[] = [
  ['build -t a .', 'build', '-t a .'],
  ['--root /r -D build .', 'build', '.'],
  ['buildx build .', 'build', '.'],
  ['buildx b .', 'build', '.'],
  ['buildx --push .', 'build', '--push .'],
  ['builder build .', 'build', '.'],
  ['image build .', 'build', '.'],
  ['image ls', 'images', ''],
  ['image rm a', 'rmi', 'a'],
  ['image inspect a', 'inspect', 'a'],
  ['image', undefined, ''],
  ['', undefined, ''],
];

test('commands and their aliases', (t) => {
  for (const [argv, command, args] of ROUTES) {
    const route = parseRoute(argv.split(' ').filter(Boolean));
    t.is(route.entry?.name, command, argv);
    t.is(route.args.join(' '), args, argv);
  }
  t.is(parseRoute(['--root=/r', 'images']).root, '/r');
  t.like(parseRoute(['buildx', 'history', '-D', '--root', '/r', 'ls', '-q']), {
    root: '/r',
    debug: true,
    args: ['-q'],
  });
  t.throws(() => parseRoute(['builds', '--root']), { message: '--root needs a directory' });
  t.throws(() => parseRoute(['builds', '--rot', 'x', 'ls']), { message: 'unknown flag: --rot' });
  t.throws(() => parseRoute(['buidl', '.']), { message: 'unknown command: tsbuild buidl' });
  t.regex(t.throws(() => parseRoute(['image', 'inspct']), { instanceOf: TsbuildError })?.hint ?? '', /image inspect/);
});

test('every command is what the table says', async (t) => {
  for (const entry of COMMANDS) {
    const { command } = await entry.load();
    t.is(command.name, entry.name);
    t.is(command.summary, entry.summary);
    t.true(command.usage !== undefined);
  }
});
