import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/**
 * What the launcher starts: the command's bundle, with the code that V8 compiled for it in an earlier run. Reading and
 * compiling the sources anew costs more than all that a cached build does.
 */
const directory = dirname(fileURLToPath(import.meta.url));
const bundle = join(directory, 'main.cjs');
const command = process.argv[2];
// What only tells of tsbuild itself needs next to nothing of the bundle, and does not wait for the code of a build.
const isBrief = command === undefined || ['version', '--version', '-v', 'help', '--help', '-h'].includes(command);
const cache = join(directory, isBrief ? 'brief.cache' : 'main.cache');

// The bundle is ASCII; as latin1 it is read without being decoded.
const source = wrap(readFileSync(bundle, 'latin1'));
const cachedData = readCache();
const script = new Script(source, { filename: bundle, ...(cachedData === undefined ? {} : { cachedData }) });
// V8 refuses the code of another version of itself, of other flags or of another source. Only a build runs the code that a
// build needs, so of the other commands that use it none writes it down.
if ((cachedData === undefined || script.cachedDataRejected) && (isBrief || command === 'build'))
  process.once('exit', () => writeCache(script));
script.runInThisContext()({}, createRequire(bundle), { exports: {} }, bundle, directory);

function readCache(): Buffer | undefined {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

/** Where tsbuild lies in a directory that this user may not write to, it goes on without. */
function writeCache(script: Script): void {
  const temporary = `${cache}.${process.pid}`;
  try {
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, cache);
  } catch {
    rmSync(temporary, { force: true });
  }
}
