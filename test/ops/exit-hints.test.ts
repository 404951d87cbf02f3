import test from 'ava';
import { hostPlatform } from '../../src/oci/index.ts';
import { hintOf, type ProcessEnd } from '../../src/ops/exit-hints.ts';

const END: ProcessEnd = {
  args: ['/bin/sh', '-c', 'x'],
  exitCode: 1,
  oomKilled: false,
  output: '',
  platform: hostPlatform(),
};

test('what to do about a process that failed, by its end and its last words', (t) => {
  const rows: readonly [Partial<ProcessEnd>, RegExp | undefined][] = [
    [{ output: 'cc: error' }, undefined],
    [{ oomKilled: true, output: 'No space left on device' }, /lack of memory/],
    [{ exitCode: 127, output: '/bin/sh: frob: not found' }, /^frob is not in the image/],
    [{ exitCode: 126 }, /chmod/],
    [{ exitCode: 139 }, /crashed \(SIGSEGV\)/],
    [{ exitCode: 137 }, /SIGKILL/],
    [{ output: "dd: error writing '/x': No space left on device" }, /^a disk is full: .*--root/],
    [{ exitCode: 100, output: 'tar: f: Cannot write: Disk quota exceeded' }, /^a disk is full/],
  ];
  for (const [end, expected] of rows) {
    const hint = hintOf({ ...END, ...end });
    if (expected === undefined) t.is(hint, undefined);
    else t.regex(hint ?? '', expected, JSON.stringify(end));
  }
});
