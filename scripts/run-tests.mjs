// Runs ava and reduces its TAP to what a person and a CI log want: one line a test, the whole report of each failure,
// the failures once more at the end, where one looks first, then their names alone (so that a log of which only the last
// lines were kept still says which tests failed), and a last line of exactly `N passed, N failed` (and `, N skipped`
// where there are any).
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const args = process.argv.slice(2).map((arg) => arg.replace(/^(test\/.*)\.ts$/, 'out/$1.js'));
const child = spawn(process.execPath, ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...args], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise((resolve) => child.on('exit', (exitCode) => resolve(exitCode ?? 1)));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));

const maxFailureLines = 2000;
const maxNames = 20;
const failures = [];
const names = [];
let inFailure = false;
const count = { passed: 0, failed: 0, skipped: 0 };
for await (const line of createInterface({ input: child.stdout })) {
  const result = /^(not )?ok \d+ - (.*)$/.exec(line);
  if (result === null) {
    // The plan and ava's own totals say what the last line says.
    if (!/^(TAP version|\d+\.\.\d+$|# (tests|pass|fail|skip) \d+$)/.test(line)) printDetail(line);
    continue;
  }
  const [, failed, title] = result;
  inFailure = failed !== undefined;
  if (failed !== undefined) report('failed', title);
  else if (/ # SKIP\b/.test(title)) report('skipped', title.replace(/ # SKIP.*$/, ''));
  else report('passed', title);
}
const code = await ended;

const ran = count.passed + count.failed + count.skipped;
if (ran === 0) console.log('no test ran');
// ava also fails for what is no test: a file without tests, a process that does not end.
if (code !== 0 && count.failed === 0) {
  count.failed = 1;
  names.push(
    `no test, but ava, which ended with ${code}: a file without tests, or a process that was killed or did not end`,
  );
}
if (failures.length > 0) console.log(`\nWhat failed:\n${failures.join('\n')}\n`);
if (names.length > 0) {
  if (names.length > maxNames) console.log(`(and ${names.length - maxNames} before these)`);
  for (const name of names.slice(-maxNames)) console.log(`FAILED  ${name}`);
}
console.log(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`);
process.exitCode = count.failed > 0 || ran === 0 ? 1 : 0;

function report(outcome, title) {
  count[outcome] += 1;
  if (outcome === 'failed') names.push(title);
  print(`${{ passed: 'ok     ', failed: 'FAILED ', skipped: 'skipped' }[outcome]} ${title}`);
}

function printDetail(line) {
  if (line.trim() !== '') print(`    ${line}`);
}

/** Prints a line; one of a failed test's report is kept for the end too. */
function print(line) {
  console.log(line);
  if (inFailure && failures.length < maxFailureLines) failures.push(line);
}
