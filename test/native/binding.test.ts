import { accessSync, constants, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import test from 'ava';
import { initPath, native } from '../../src/native/index.ts';
import { tryExec } from '../support/exec.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const compiled = resolve(import.meta.dirname, '../../src/native');

/** Loads the binding in a Node of its own, and prints what came of it. */
async function load(directory: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const program = `
    const { native, initPath } = await import(${JSON.stringify(join(directory, 'binding.js'))});
    try { console.log(typeof native.runSandbox, initPath()); } catch (error) { console.log(error.code, error.message, error.hint); }`;
  return (await tryExec(process.execPath, ['--input-type=module', '-e', program], { env })).stdout;
}

test('the addon and its helper are found and fit together', (t) => {
  t.is(typeof native.runSandbox, 'function');
  accessSync(initPath(), constants.X_OK);
});

test('loads from a directory of the user’s choice, and from a package that brings binaries', async (t) => {
  const built = dirname(initPath());
  t.is(await load(compiled, { TSBUILD_NATIVE_DIR: built }), `function ${built}/tsbuild-init\n`);

  const place = makeTempDir('package');
  t.teardown(() => removeTree(place));
  writeFileSync(join(place, 'package.json'), '{"name":"tsbuild","type":"module"}');
  cpSync(resolve(compiled, '..'), join(place, 'dist'), { recursive: true });
  const none = await load(join(place, 'dist/native'));
  t.regex(none, /^NATIVE_UNAVAILABLE .*could not be loaded; tried/);
  t.true(none.includes(join(place, `prebuilds/linux-${process.arch}/tsbuild.node`)), none);
  t.true(none.includes(join(place, 'native/build/Release/tsbuild.node')), none);
  t.regex(none, /npm run setup/);
  const prebuilt = join(place, `prebuilds/linux-${process.arch}`);
  mkdirSync(prebuilt, { recursive: true });
  cpSync(built, prebuilt, { recursive: true, filter: (path) => !path.includes('obj') });
  t.is(await load(join(place, 'dist/native')), `function ${prebuilt}/tsbuild-init\n`);
});

test('loading is put off until something native is used', async (t) => {
  const program = `await import(${JSON.stringify(join(compiled, 'index.js'))}); console.log('quiet');`;
  const run = await tryExec(process.execPath, ['--input-type=module', '-e', program], {
    env: { TSBUILD_NATIVE_DIR: '/nonexistent' },
  });
  t.is(run.stdout, 'quiet\n');
});

test('a malformed request is refused before anything starts', (t) => {
  const loose = native as unknown as { runSandbox(...args: unknown[]): unknown };
  t.throws(() => loose.runSandbox(), { message: /takes a request and a function/ });
  t.throws(() => loose.runSandbox({}), { message: /takes a request and a function/ });
});
