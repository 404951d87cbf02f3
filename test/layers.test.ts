import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'ava';

/**
 * The house's floors. An import points to a strictly lower floor; inside one room everything may import everything.
 * A room is a folder of src/, or a file that lies directly in it.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['errors.ts', 'quantities.ts', 'shapes.ts', 'suggest.ts', 'version.ts'],
  ['oci', 'directories.ts', 'remote-url', 'network.ts', 'whole-files.ts'],
  ['progress', 'native'],
  ['store', 'build-types.ts'],
  ['content', 'llb', 'solver', 'runtime', 'secrets'],
  ['registry', 'snapshot', 'dockerfile', 'devices', 'lockfile'],
  ['images', 'buildkit'],
  ['source', 'cache', 'history'],
  ['ops', 'exporter', 'upkeep'],
  ['workspace.ts'],
  ['build'],
  ['library'],
  ['index.ts'],
  ['cli'],
];

/** Tighter than the floors: of dockerfile/, only the conversion knows the graph. */
const ONLY: readonly { readonly from: RegExp; readonly to: string; readonly except: RegExp }[] = [
  { from: /^dockerfile\//, to: 'llb', except: /^dockerfile\/convert\// },
];

/** Heavy packages: never at module load, since every command would pay for them. */
const LAZY = new Set(['undici', 'tar-stream', 'dockerfile-ast', 'yaml']);

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');

function listSources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)))
    .sort();
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function floorOf(room: string): number {
  return FLOORS.findIndex((floor) => floor.includes(room));
}

interface Import {
  readonly specifier: string;
  readonly dynamic: boolean;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^;'"]*?\sfrom\s+)?'([^']+)'/gm))
    found.push({ specifier: match[2] ?? '', dynamic: false, typeOnly: match[1] !== undefined });
  for (const match of text.matchAll(/\bimport\('([^']+)'\)/g))
    found.push({ specifier: match[1] ?? '', dynamic: true, typeOnly: false });
  return found;
}

test('every room has a floor', (t) => {
  const homeless = [...new Set(listSources(src).map(roomOf))].filter((room) => floorOf(room) < 0);
  t.deepEqual(homeless, []);
});

test('imports point strictly downwards', (t) => {
  const upward: string[] = [];
  for (const file of listSources(src)) {
    for (const { specifier } of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = relative(src, resolve(src, dirname(file), specifier));
      if (target.startsWith('..')) continue;
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from !== to && floorOf(to) >= floorOf(from)) upward.push(`${file} imports ${target}`);
    }
  }
  t.deepEqual(upward, []);
});

test('rooms with a stricter rule keep it', (t) => {
  const broken: string[] = [];
  for (const file of listSources(src)) {
    for (const rule of ONLY.filter(({ from, except }) => from.test(file) && !except.test(file))) {
      for (const { specifier } of importsOf(file)) {
        const target = relative(src, resolve(src, dirname(file), specifier));
        if (specifier.startsWith('.') && roomOf(target) === rule.to) broken.push(`${file} imports ${target}`);
      }
    }
  }
  t.deepEqual(broken, []);
});

test('heavy packages are imported lazily', (t) => {
  const eager: string[] = [];
  for (const file of listSources(src)) {
    // A command's own file is itself loaded lazily.
    if (file.startsWith('cli/')) continue;
    for (const { specifier, dynamic, typeOnly } of importsOf(file))
      if (LAZY.has(specifier) && !dynamic && !typeOnly) eager.push(`${file} imports ${specifier}`);
  }
  t.deepEqual(eager, []);
});

test('no relative import leaves src/', (t) => {
  const outside: string[] = [];
  for (const file of listSources(src)) {
    for (const { specifier } of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = relative(src, resolve(src, dirname(file), specifier));
      if (target.startsWith('..')) outside.push(`${file} imports ${target}`);
    }
  }
  t.deepEqual(outside, []);
});

/** What opens connections, or looks hosts up; and the files that may, behind the door of network.ts. */
const CONNECTS = new Set([
  'undici',
  'node:net',
  'node:tls',
  'node:http',
  'node:https',
  'node:http2',
  'node:dgram',
  'node:dns',
]);
const MAY_CONNECT: readonly RegExp[] = [
  // The registry's client, by which downloads go too.
  /^registry\//,
  // Sockets of agents, on this machine.
  /^secrets\/agent\//,
];

test('the network has one door', (t) => {
  const past: string[] = [];
  for (const file of listSources(src)) {
    const text = readFileSync(join(src, file), 'utf8');
    // A client that is not told of the network could be used without asking.
    for (const [call] of text.matchAll(/(?<!function )\bcreate(?:RegistryClient|HttpClient|GitProgram)\([^)]*\)/g))
      if (!/network/.test(call)) past.push(`${file}: ${call}`);
    if (/\bfetch\(['"`]http/.test(text)) past.push(`${file}: fetch`);
    if (MAY_CONNECT.some((allowed) => allowed.test(file))) continue;
    for (const { specifier, typeOnly } of importsOf(file))
      if (CONNECTS.has(specifier) && !typeOnly && !isHarmless(text, specifier))
        past.push(`${file} imports ${specifier}`);
  }
  t.deepEqual(past, []);
});

/** Parsers of addresses and lists of authorities, in modules that also connect. */
function isHarmless(text: string, specifier: string): boolean {
  const names = [...text.matchAll(new RegExp(`\\{([^}]*)\\} (?:from|= await import\\()[ ']*${specifier}'`, 'g'))];
  return (
    names.length > 0 && names.every(([, list = '']) => /^\s*(?:isIP|BlockList|rootCertificates|,|\s)*$/.test(list))
  );
}
