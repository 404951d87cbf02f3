import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { chooseMode } from '../../src/progress/display.ts';
import { createLogFile } from '../../src/progress/log-file.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

test('auto is tty only on a terminal that a person watches', (t) => {
  t.is(chooseMode('auto', true, {}), 'tty');
  t.is(chooseMode('auto', false, {}), 'plain');
  t.is(chooseMode('auto', true, { CI: 'true' }), 'plain');
  t.is(chooseMode('auto', true, { CI: 'false' }), 'tty');
  t.is(chooseMode('auto', true, { TERM: 'dumb' }), 'plain');
  t.is(chooseMode('plain', true, {}), 'plain');
  t.is(chooseMode('none', true, {}), 'quiet');
});

test('a log file has the whole log, however long', (t) => {
  const folder = makeTempDir('log');
  t.teardown(() => removeTree(folder));
  const path = join(folder, 'logs', 'build.log');
  const file = createLogFile(path, native.prefixLines);
  const digest = digestOf('step');
  file.sink({ vertexes: [{ digest, name: 'RUN chatty', startedMs: 0 }] });
  const data = Buffer.from(`${'x'.repeat(99)}\n`.repeat(100));
  for (let count = 0; count < 300; count++)
    file.sink({ logs: [{ vertex: digest, stream: 1, data, timestampMs: count }] });
  file.sink({ vertexes: [{ digest, name: 'RUN chatty', startedMs: 0, completedMs: 300 }] });
  t.is(file.finish(), undefined);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  t.is(lines.length, 30_002);
  t.is(lines[0], '#1 RUN chatty');
  t.is(lines[30_001], '#1 DONE 0.3s');
});

test('a disk that is full does not stop a build', (t) => {
  const file = createLogFile('/dev/full', native.prefixLines);
  const digest = digestOf('step');
  file.sink({ vertexes: [{ digest, name: 'RUN a', startedMs: 0, completedMs: 1 }] });
  t.regex(file.finish()?.message ?? '', /ENOSPC/);
});
