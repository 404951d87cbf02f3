// Bundles the library and the command into dist/.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const started = new Date();

const common = {
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'linked',
  logLevel: 'warning',
};

const library = await bundleLibrary();
const command = await bundleCommand();
copyFileSync('src/cli/launcher.sh', 'dist/tsbuild');
chmodSync('dist/tsbuild', 0o755);
removeAllBut(new Set([...library, ...command, 'dist/tsbuild']));
warmUp();
writeFileSync('dist/.stamp', '');
utimesSync('dist/.stamp', started, started);

/** ESM, split: each lazily imported part has a chunk of its own. */
async function bundleLibrary() {
  const { metafile } = await build({
    ...common,
    entryPoints: ['src/index.ts'],
    outdir: 'dist',
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    plugins: [nameExports()],
    // CommonJS packages inside an ESM bundle call require() for node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  return Object.keys(metafile.outputs);
}

/**
 * CommonJS, whose compiled code can be kept (src/cli/start.ts): all that is ours in one file, and beside it one for each package
 * that is imported lazily.
 */
async function bundleCommand() {
  const options = { ...common, outdir: 'dist/command', format: 'cjs', outExtension: { '.js': '.cjs' } };
  const packages = new Set();
  const own = await build({
    ...options,
    entryPoints: { start: 'src/cli/start.ts', main: 'src/cli/main.ts' },
    plugins: [setPackagesApart(packages)],
    // It is read at every start. Names stay as they are, for the stacks that --debug shows.
    minifyWhitespace: true,
    minifySyntax: true,
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__bundleUrl' },
    banner: { js: "const __bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  const others = await build({ ...options, entryPoints: [...packages] });
  return [...Object.keys(own.metafile.outputs), ...Object.keys(others.metafile.outputs)];
}

/** A lazily imported package becomes a file of its own. */
function setPackagesApart(packages) {
  return {
    name: 'packages-apart',
    setup(bundle) {
      bundle.onResolve({ filter: /^[a-z@]/ }, ({ path, kind }) => {
        if (kind !== 'dynamic-import' || path.startsWith('node:')) return undefined;
        packages.add(path);
        return { path: `./${path}.cjs`, external: true };
      });
    },
  };
}

/**
 * A CommonJS package that is imported lazily: node gives it its named exports, esbuild's chunk has only the default one.
 * Between the two stands a module that names them.
 */
function nameExports() {
  return {
    name: 'named-exports',
    setup(bundle) {
      bundle.onResolve({ filter: /^(undici|tar-stream|yaml)$/ }, ({ path, kind }) =>
        kind === 'dynamic-import' ? { path, namespace: 'named-exports' } : undefined,
      );
      bundle.onLoad({ filter: /.*/, namespace: 'named-exports' }, async ({ path }) => {
        const names = Object.keys((await import(path)).default);
        const contents = `import whole from '${path}';\nexport const { ${names.join(', ')} } = whole;\nexport default whole;\n`;
        return { contents, resolveDir: process.cwd() };
      });
    },
  };
}

function removeAllBut(written) {
  for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`;
    if (entry.isFile() && !written.has(path)) rmSync(path);
  }
}

/**
 * Builds something, so that the code which that compiles is kept for all later runs: the second time from the cache, as most
 * builds are, of a base that is there, with the instructions that most Dockerfiles have. A machine that cannot build here (no compiled
 * addon, say) gets the same from its first build.
 */
function warmUp() {
  const place = mkdtempSync(join(tmpdir(), 'tsbuild-warm-up-'));
  try {
    writeContext(join(place, 'base'), 'FROM scratch\nCOPY . /\n');
    copyShell(join(place, 'base'));
    writeContext(
      join(place, 'build'),
      `FROM warm-up-base AS files
RUN echo made > /made
FROM warm-up-base
ARG NAME=value
ENV A=$NAME
LABEL name=warm-up
WORKDIR /a
COPY Dockerfile .
COPY --from=files /made /b/
RUN echo 1 > /1 && \\
    echo 2 > /2
CMD ["sh"]
`,
    );
    const run = (name, context) => {
      rmSync('dist/command/main.cache', { force: true });
      const args = ['build', '--progress=plain', '--root', join(place, 'store'), '-t', name, join(place, context)];
      spawnSync('dist/tsbuild', args, { stdio: 'ignore' });
    };
    run('warm-up-base', 'base');
    for (let times = 0; times < 2; times++) run('warm-up', 'build');
    spawnSync('dist/tsbuild', ['--help'], { stdio: 'ignore' });
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function writeContext(directory, dockerfile) {
  mkdirSync(directory);
  writeFileSync(join(directory, 'Dockerfile'), dockerfile);
}

/** This machine's shell with the libraries that it is linked with. */
function copyShell(directory) {
  const { stdout } = spawnSync('ldd', ['/bin/sh'], { encoding: 'utf8' });
  for (const path of ['/bin/sh', ...((stdout ?? '').match(/\/\S+(?= \()/g) ?? [])])
    cpSync(path, join(directory, path), { dereference: true });
}
