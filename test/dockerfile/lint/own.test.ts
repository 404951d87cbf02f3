// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the languages under test
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import test from 'ava';
import { lint, listDockerfiles, markedText } from './support.ts';

for (const path of listDockerfiles('good'))
  test(`nothing to say of ${basename(path)}`, async (t) => {
    const { warnings, error } = await lint(readFileSync(path, 'utf8'));
    t.is(error, undefined);
    t.deepEqual(
      warnings.map(({ rule, message }) => `${rule.name}: ${message}`),
      [],
    );
  });

type Options = NonNullable<Parameters<typeof lint>[1]>;

/** The rules that warn, each with the words that it underlines. */
async function findings(source: string, options: Options = {}): Promise<string[]> {
  const { warnings, error } = await lint(source, options);
  if (error !== undefined) throw error;
  return warnings.map((warning) => `${warning.rule.name} ${markedText(source, warning)}`);
}

test('apt-get that would ask', async (t) => {
  t.deepEqual(await findings('FROM d\nRUN apt-get update && apt-get install curl\n'), [
    'AptGetWithoutYes apt-get install curl',
  ]);
  const continued = 'apt-get \\\n  --no-install-recommends install \\\n  curl';
  t.deepEqual(await findings(`FROM d\nRUN DEBIAN_FRONTEND=noninteractive sudo ${continued}\n`), [
    `AptGetWithoutYes ${continued}`,
  ]);
  t.deepEqual(await findings('FROM d\nRUN <<EOF\napt-get update\n  apt upgrade\nEOF\n'), [
    'AptGetWithoutYes apt upgrade',
  ]);
  t.deepEqual(await findings('FROM d\nRUN ["apt-get", "install", "curl"]\n'), [
    'AptGetWithoutYes "apt-get", "install", "curl"',
  ]);
  t.deepEqual(await findings('FROM d\nRUN ["sh", "-c", "apt-get install curl"]\n'), [
    'AptGetWithoutYes "apt-get install curl"',
  ]);
  t.deepEqual(await findings('FROM d\n# check=skip=AptGetWithoutYes\nRUN apt-get install curl\n'), []);
});

test('secrets by name', async (t) => {
  const sources =
    '.env id_rsa deploy/id_ed25519 .aws/credentials kubeconfig .kube/config .netrc tls/server.key key.pem store.p12 .npmrc';
  for (const source of sources.split(' '))
    t.deepEqual(await findings(`FROM scratch\nCOPY a ${source} /x/\n`), [`SecretFileCopied ${source}`], source);
  t.deepEqual(await findings('FROM scratch\nARG f=id_rsa\nADD $f /x/\n'), ['SecretFileCopied $f']);
});

test('what can be looked at is judged by its content', async (t) => {
  const copy = (file: string, text: string): Promise<string[]> =>
    findings(`FROM scratch\nCOPY ${file} /\n`, { files: { [file]: text } });
  t.deepEqual(await copy('.npmrc', 'registry=https://r.example/\n//r.example/:_authToken=${NPM_TOKEN}\n'), []);
  t.deepEqual(await copy('.npmrc', '//r.example/:_authToken=abc\n'), ['SecretFileCopied .npmrc']);
  t.deepEqual(await copy('x.pem', '-----BEGIN CERTIFICATE-----\n'), []);
  t.deepEqual(await copy('ca.pem', '-----BEGIN RSA PRIVATE KEY-----\n'), ['SecretFileCopied ca.pem']);
  t.deepEqual(await copy('.env', '# nothing\n'), []);
});

test('COPY of the whole context takes secrets along, unless they are ignored or stay in another stage', async (t) => {
  const files = { '.env': 'TOKEN=x\n', id_rsa: 'x' };
  t.deepEqual(await findings('FROM scratch\nCOPY . /\n', { files }), ['SecretFileCopied .']);
  t.deepEqual(await findings('FROM scratch\nCOPY . /\n', { files, ignore: '.env\nid_*\n' }), []);
  t.deepEqual(await findings('FROM scratch AS b\nCOPY . /\nFROM scratch\nCOPY --from=b /x /\n', { files }), []);
});

test('a COPY that makes a later install run again', async (t) => {
  const installs = [
    'npm ci',
    'npm install',
    'yarn',
    'pnpm i',
    'pip install -r requirements.txt',
    'go mod download',
    'bundle install',
    'composer install',
    'mix deps.get',
  ];
  for (const install of installs)
    t.deepEqual(
      await findings(`FROM d\nWORKDIR /a\nCOPY . .\nRUN ${install} && x\n`),
      ['CopyBeforeInstall .'],
      install,
    );
  const source = 'FROM d\nCOPY . .\nRUN npm ci\n';
  const files = { 'package.json': '{}', 'package-lock.json': '{}' };
  const { warnings } = await lint(source, { files });
  t.regex(warnings[0]?.message ?? '', /'npm ci' \(line 3\) again; COPY package\.json package-lock\.json first/);
  t.deepEqual(await findings(source, { files: {} }), [], 'what it would copy first is not there');
  t.deepEqual(await findings(source, { files: { 'package.json': '{"workspaces": []}' } }), []);
  t.deepEqual(await findings('FROM d AS a\nCOPY . .\nFROM a\nRUN npm ci\n'), ['CopyBeforeInstall .']);
});

test('bases without a digest: only where it is asked for', async (t) => {
  const source = `FROM d:1 AS a\nFROM d@sha256:${'a'.repeat(64)}\nFROM a\nCOPY --from=e:2 /x /\nFROM scratch\n`;
  t.deepEqual(await findings(source), []);
  t.deepEqual(await findings(`# check=experimental=UnpinnedBaseImage\n${source}`), [
    'UnpinnedBaseImage d:1',
    'UnpinnedBaseImage --from=e:2',
  ]);
  t.deepEqual(
    await findings('# check=experimental=UnpinnedBaseImage\n\n# check=skip=UnpinnedBaseImage\nFROM d:1\n'),
    [],
    'skipped for one FROM',
  );
});

test('rules that BuildKit lacks make error=true fail only where they are named', async (t) => {
  const source = 'FROM d\nRUN apt-get install curl\n';
  t.is((await lint(`# check=error=true\n${source}`)).error, undefined);
  t.is((await lint(`# check=error=true;experimental=all\n${source}`)).error, undefined);
  const { error } = await lint(`# check=error=true;experimental=AptGetWithoutYes\n${source}`);
  t.like(error, { code: 'DOCKERFILE_CHECKS_FAILED' });
});

test('error=true lists what was found', async (t) => {
  const { error } = await lint('# check=error=true\nFROM scratch as a\nCMD x\n');
  t.like(error, { code: 'DOCKERFILE_CHECKS_FAILED', range: { start: { line: 2, column: 13 } } });
  t.regex(String(error), /- FromAsCasing: .*\(line 2\)\n- JSONArgsRecommended: .*\(line 3\)/);
});
