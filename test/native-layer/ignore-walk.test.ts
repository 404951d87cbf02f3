// The matcher in TypeScript and the walker in C++ read patterns alike: on moby's tables, and on random patterns and trees.
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { compilePatterns, createIgnoreMatcher } from '../../src/dockerfile/ignore/index.ts';
import { native } from '../../src/native/index.ts';
import { LISTS, SINGLE } from '../dockerfile/ignore/cases.ts';
import { fc } from '../support/properties.ts';
import { makeTestDir } from './tree.ts';

/** The paths that a walk sees, as hashTree and changeTree walk. */
async function walk(directory: string, patterns: readonly string[]): Promise<string[]> {
  const request = { root: { lowers: [directory] }, ignore: compilePatterns(patterns) };
  return (await native.listTree(request)).paths.split('\0').slice(0, -1);
}

/** A file where that can be: not every path of the tables is a name that a file can have. */
function makeFile(directory: string, path: string): boolean {
  const whole = join(directory, path);
  if (path === '' || path.endsWith('/') || path.split('/').some((part) => ['', '.', '..'].includes(part))) return false;
  try {
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, '');
    return statSync(whole).isFile();
  } catch {
    return false;
  }
}

test('the walker agrees with the tables of the matcher', async (t) => {
  const base = makeTestDir(t);
  const directory = join(base, 'tree');
  const table = [
    ...SINGLE.map(([pattern, path, outcome]) => [[pattern], path, outcome !== 'no'] as const),
    ...LISTS.map(([patterns, path, excluded]) => [patterns, path, excluded] as const),
  ];
  let compared = 0;
  for (const [patterns, path, excluded] of table) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    if (!makeFile(directory, path)) continue;
    compared++;
    t.is((await walk(directory, patterns)).includes(path), !excluded, `${patterns.join(' ')} and ${path}`);
  }
  t.true(compared > table.length * 0.8, `${compared} of ${table.length}`);
});

const name = fc.stringMatching(/^[ab.c]{1,3}$/).filter((text) => !/^\.+$/.test(text));
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const part = fc.oneof(name, fc.constantFrom('*', '**', '?', 'a*', '*b', '[ab]', '[^a]*', '**a', '\\a', '.*'));
const pattern = fc
  .tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 4 }))
  .map(([negated, parts]) => `${negated ? '!' : ''}${parts.join('/')}`);

test('the walker agrees with the matcher on any patterns and tree', async (t) => {
  const base = makeTestDir(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(pattern, { maxLength: 5 }), fc.array(path, { maxLength: 8 }), async (patterns, paths) => {
      const directory = join(base, String(run++));
      mkdirSync(directory);
      const files = [...new Set(paths)].filter((file) => makeFile(directory, file));
      const matcher = createIgnoreMatcher(patterns);
      const seen = new Set(await walk(directory, patterns));
      for (const file of files) {
        if (seen.has(file) === matcher.excludes(file)) throw new Error(`${JSON.stringify(patterns)} and ${file}`);
        const selections = [{ path: `/${file}`, wildcard: false, followSymlinks: true }];
        const ignore = compilePatterns(patterns);
        const hashed = await native.hashTree({
          root: { lowers: [directory] },
          selections,
          ignore,
          includeOwner: false,
        });
        if (hashed.missing.length > 0 !== matcher.excludes(file)) throw new Error(`hash of ${file}`);
      }
      rmSync(directory, { recursive: true });
    }),
    { numRuns: 150 },
  );
  t.pass();
});
