import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorMessage, TsbuildError } from '../errors.ts';
import type { NativeApi } from './types.ts';

/**
 * The one place that loads compiled code. It looks, in this order, into TSBUILD_NATIVE_DIR, into the binaries that a
 * published package brings, and into what a checkout compiles for itself.
 */

interface LoadedBinding {
  readonly api: NativeApi;
  /** The directory that holds `tsbuild.node` and `tsbuild-init`. */
  readonly directory: string;
}

let loaded: LoadedBinding | undefined;

/** The C++ addon. Loaded on first use of any member, which throws `NATIVE_UNAVAILABLE` when no binary can be loaded. */
export const native: NativeApi = new Proxy({} as NativeApi, {
  get: (_target, name) => Reflect.get(loadBinding().api, name),
  has: (_target, name) => Reflect.has(loadBinding().api, name),
});

/** Absolute path of the static helper that becomes a container's first process. */
export function initPath(): string {
  return join(loadBinding().directory, 'tsbuild-init');
}

function loadBinding(): LoadedBinding {
  if (loaded !== undefined) return loaded;
  const require = createRequire(import.meta.url);
  const attempts: string[] = [];
  for (const directory of candidateDirectories()) {
    const file = join(directory, 'tsbuild.node');
    try {
      // Both or neither: an addon and a helper of different builds do not understand each other.
      accessSync(join(directory, 'tsbuild-init'), constants.X_OK);
      loaded = { api: require(file) as NativeApi, directory };
      return loaded;
    } catch (error) {
      attempts.push(`${file}: ${errorMessage(error).split('\n', 1)[0]}`);
    }
  }
  throw new TsbuildError(
    'NATIVE_UNAVAILABLE',
    `the native part of tsbuild could not be loaded; tried\n  ${attempts.join('\n  ')}`,
    {
      hint:
        process.platform === 'linux'
          ? 'in a checkout, run "npm run setup" (it needs g++, make, python3, libdeflate-dev, libzstd-dev, liblzma-dev, libbz2-dev and liblmdb-dev)'
          : `tsbuild runs on Linux only, this is ${process.platform}`,
      details: { platform: process.platform, arch: process.arch, node: process.version },
    },
  );
}

function candidateDirectories(): readonly string[] {
  const root = findPackageRoot(dirname(fileURLToPath(import.meta.url)));
  const override = process.env.TSBUILD_NATIVE_DIR;
  return [
    ...(override ? [override] : []),
    ...(root === undefined
      ? []
      : [join(root, 'prebuilds', `linux-${process.arch}`), join(root, 'native', 'build', 'Release')]),
  ];
}

/** Walks up to the package.json that is ours: this file runs from out/src/native as well as from a bundle in dist/. */
function findPackageRoot(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown };
      if (name === 'tsbuild') return directory;
    }
    if (dirname(directory) === directory) return undefined;
  }
}
