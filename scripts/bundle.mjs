// Bundles the command and the library into dist/. Splitting gives each lazily imported part a chunk of its own, so that
// a cached build loads only what it uses.
import { chmodSync, copyFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const started = new Date();

/** Packages with native parts find their binaries beside their own files, so they stay outside the bundle. */
const external = ['lmdb', 'msgpackr', 'msgpackr-extract', 'node-gyp-build', '*.node'];

/**
 * A CommonJS package that is imported lazily: node gives it its named exports, esbuild's chunk has only the default one.
 * Between the two stands a module that names them.
 */
const lazyCommonJs = {
  name: 'lazy-commonjs',
  setup(bundle) {
    bundle.onResolve({ filter: /^(undici|tar-stream)$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, namespace: 'named-exports' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'named-exports' }, async ({ path }) => {
      const names = Object.keys((await import(path)).default);
      const contents = `import whole from '${path}';\nexport const { ${names.join(', ')} } = whole;\nexport default whole;\n`;
      return { contents, resolveDir: process.cwd() };
    });
  },
};

const { metafile } = await build({
  entryPoints: [
    { in: 'src/cli/main.ts', out: 'cli' },
    { in: 'src/index.ts', out: 'index' },
  ],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  metafile: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external,
  plugins: [lazyCommonJs],
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'linked',
  // CommonJS packages inside an ESM bundle call require() for node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
copyFileSync('src/cli/launcher.sh', 'dist/tsbuild');
chmodSync('dist/tsbuild', 0o755);

const written = new Set([...Object.keys(metafile.outputs), 'dist/tsbuild']);
for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  const path = `${entry.parentPath}/${entry.name}`;
  if (entry.isFile() && !written.has(path)) rmSync(path);
}
writeFileSync('dist/.stamp', '');
utimesSync('dist/.stamp', started, started);
