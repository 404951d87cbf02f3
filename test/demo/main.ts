// The main job from end to end, as `npm run demo` shows it: build, push, pull elsewhere, look, run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBaseRegistry } from '../support/base-registry.ts';
import { BASE_NEEDS, baseCacheDir } from '../support/bases.ts';
import { missingNeeds } from '../support/machine.ts';
import { RUN_IMAGE_NEEDS, runImage } from '../support/run-image.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, TSBUILD, type Tsbuild } from '../support/tsbuild.ts';

const CONTEXT = fileURLToPath(new URL('../../../fixtures/demo', import.meta.url));

const work = makeTempDir('demo');
const closers: (() => Promise<void> | void)[] = [() => removeTree(work)];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void close().finally(() => process.exit(1));
  });
}
try {
  await runDemo();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await close();
}

async function runDemo(): Promise<void> {
  const missing = missingNeeds([...BASE_NEEDS['debian-gcc'], ...BASE_NEEDS.busybox, 'docker-registry', 'skopeo']);
  if (missing.length > 0) throw new Error(`it needs ${missing.join(', ')}`);

  say(`Bases of this machine's own Debian packages (made once, kept in ${baseCacheDir()}), in a registry on loopback`);
  const registry = await startBaseRegistry(['busybox', 'debian-gcc']);
  closers.push(() => registry.stop());
  const image = `${registry.host}/demo:1`;

  const here = openTsbuild(join(work, 'here'));
  say('Build');
  await show(here, ['build', '-t', image, '--build-arg', `REGISTRY=${registry.host}`, CONTEXT]);
  say('Build again: nothing changed, so nothing runs');
  await show(here, ['build', '-t', image, '--build-arg', `REGISTRY=${registry.host}`, CONTEXT]);
  say('Push');
  await show(here, ['push', image]);

  const elsewhere = openTsbuild(join(work, 'elsewhere'));
  say('Pull into a second, empty store');
  await show(elsewhere, ['pull', image]);
  await show(elsewhere, ['history', image]);
  await show(elsewhere, ['images', '--digests']);

  const archive = join(work, 'demo.tar');
  await show(elsewhere, ['save', '--format', 'oci', '-o', archive, image]);
  const [digest, size] = await readFacts(elsewhere, image);
  say('Run it by umoci and runc');
  const unmet = missingNeeds(RUN_IMAGE_NEEDS);
  const output = unmet.length > 0 ? `(not run: it needs ${unmet.join(', ')})` : await readOutput(archive);
  console.log(`digest  ${digest}\nsize    ${size}\noutput  ${output.trim().replaceAll('\n', '\n        ')}`);
}

async function readFacts(tsbuild: Tsbuild, image: string): Promise<[string, string]> {
  const ask = async (...args: string[]): Promise<string> => {
    const result = await tsbuild.run(args);
    if (result.code !== 0) throw new Error(result.stderr);
    return result.stdout.trim();
  };
  const [digest = ''] = JSON.parse(
    await ask('image', 'inspect', '--format', '{{json .RepoDigests}}', image),
  ) as string[];
  return [digest.slice(digest.indexOf('@') + 1), await ask('images', '--format', '{{.Size}}', image)];
}

async function readOutput(archive: string): Promise<string> {
  const result = await runImage(archive, '1');
  if (result.code !== 0) throw new Error(`the image's command failed (${result.code}): ${result.stderr}`);
  return result.stdout;
}

/** Runs a command of tsbuild before the reader's eyes. */
async function show(tsbuild: Tsbuild, args: readonly string[]): Promise<void> {
  console.log(`$ tsbuild ${args.join(' ')}`);
  const child = spawn(TSBUILD, args, { env: tsbuild.env, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`tsbuild ${args[0]} ended with ${code}`);
}

function say(text: string): void {
  console.log(`\n== ${text}`);
}

async function close(): Promise<void> {
  for (const closer of closers.splice(0).reverse()) await closer();
}
