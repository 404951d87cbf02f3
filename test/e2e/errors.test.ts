// What a person sees when a build fails: every case of fixtures/errors, word by word.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { BuildRequest } from '../../src/index.ts';
import { DockerfileError } from '../../src/index.ts';
import { formatPlatform, hostPlatform } from '../../src/oci/index.ts';
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, SETTING_NEEDS, type Setting } from './setting.ts';

const FOLDER = resolve('fixtures/errors');

/** Paths, ports and times are of one run. */
function normalise(text: string, setting: Setting): string {
  return text
    .replaceAll(setting.registry.host, 'REGISTRY')
    .replaceAll(setting.tsbuild.root, 'ROOT')
    .replaceAll(`${FOLDER}/`, '')
    .replace(/fixtures\/errors\/[^/]+\/context\//g, '')
    .replace(/[\w./-]*\/context\/Dockerfile/g, 'Dockerfile')
    .replaceAll(formatPlatform(hostPlatform()), 'linux/HOST')
    .replace(/\d{8}T\d{6}-[0-9a-f]{8}/g, 'BUILD');
}

async function runCase(t: ExecutionContext, setting: Setting, name: string): Promise<void> {
  const folder = join(FOLDER, name);
  const options = join(folder, 'case.json');
  const { flags = [] } = existsSync(options)
    ? (JSON.parse(readFileSync(options, 'utf8')) as { flags?: readonly string[] })
    : {};
  const result = await setting.build(join(folder, 'context'), 'case', '--progress=quiet', ...flags);
  t.is(result.code, 1, `${name}: ${result.stderr}`);
  const actual = normalise(result.stderr, setting);
  const golden = join(folder, 'expected.txt');
  if (process.env.UPDATE_GOLDENS) writeFileSync(golden, actual);
  t.is(actual, readFileSync(golden, 'utf8'), name);
}

testNeeding(SETTING_NEEDS, 'each error of fixtures/errors is said as its expected.txt says it', async (t) => {
  const setting = await makeSetting(t);
  const names = readdirSync(FOLDER);
  t.true(names.length >= 40);
  for (const name of names) await runCase(t, setting, name);
});

const FAILING = `${FROM_BUSYBOX}RUN echo hello && echo world >&2 && exit 3\n`;

testNeeding(SETTING_NEEDS, 'a failed RUN is told in every mode of progress', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({ Dockerfile: FAILING });
  for (const mode of ['plain', 'quiet', 'rawjson', 'none']) {
    const { code, stderr } = await setting.build(context, 'failing', `--progress=${mode}`);
    t.is(code, 1, mode);
    t.regex(stderr, /Dockerfile:3:1\n/, mode);
    t.regex(stderr, /^> 3 \| RUN echo hello/m, mode);
    t.regex(stderr, /^ERROR: .*did not complete successfully: exit code: 3$/m, mode);
    const log = /^log: (.*)$/m.exec(stderr)?.[1] ?? '';
    t.regex(readFileSync(log, 'utf8'), /^#\d+ [\d.]+ hello$/m, mode);
    t.regex(readFileSync(log, 'utf8'), /^#\d+ [\d.]+ world$/m, mode);
    if (mode !== 'rawjson') t.regex(stderr, /^(?:[\d.]+ )?world$/m, mode);
  }
});

testNeeding(SETTING_NEEDS, 'a program learns of a failed RUN by the properties of its error', async (t) => {
  const setting = await makeSetting(t);
  const { build } = await import('../../src/index.ts');
  const request: BuildRequest = {
    context: setting.context({ Dockerfile: FAILING }),
    buildArgs: { REGISTRY: setting.registry.host },
    root: setting.tsbuild.root,
  };
  const error = await t.throwsAsync(build(request), { instanceOf: DockerfileError, code: 'BUILD_RUN_FAILED' });
  t.deepEqual(error?.range?.start, { line: 3, column: 0 });
  t.regex(error?.file ?? '', /Dockerfile$/);
  t.regex(error?.frame ?? '', /> 3 \| RUN echo hello/);
  const { log, output, ...details } = error?.details ?? {};
  t.is(output, 'hello\nworld');
  t.true(existsSync(String(log)));
  t.like(details, {
    step: '[2/2] RUN echo hello && echo world >&2 && exit 3',
    instruction: 'RUN echo hello && echo world >&2 && exit 3',
    exitCode: 3,
    line: 3,
    column: 1,
  });
});
