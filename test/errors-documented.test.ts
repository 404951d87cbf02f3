import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';

// Scripts rely on codes: the README lists all that can reach them, and none that cannot.

const root = resolve(import.meta.dirname, '../..');

function readSources(folder: string, ending: RegExp): string {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
}

function findAll(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap((match) => match[1] ?? []);
}

/** A system's name for an error: only ever a cause. */
const isErrno = (code: string): boolean => /^E[A-Z0-9]+$/.test(code);

function readDocumented(): string[] {
  const [, section = ''] = readFileSync(join(root, 'README.md'), 'utf8').split('### Error codes\n');
  const rows = section.split(/\n#/)[0]?.match(/^\|.*$/gm) ?? [];
  return rows.flatMap((row) => findAll(row, /`([A-Z][A-Z0-9_]+)`/g));
}

const typescript = readSources('src', /\.ts$/);
// What tsbuild-init reports (native/sandbox) gets a code of its own in runtime/errors.ts.
const addon = ['base', 'cgroup', 'fs', 'layer', 'mount', 'node', 'tables', 'text']
  .map((folder) => readSources(`native/${folder}`, /\.(?:cc|h)$/))
  .join('\n');

test('every code that an error is made with is in the README', (t) => {
  const made = [
    // new TsbuildError('CODE', …), DockerfileError, and the functions that make them; `code: 'CODE'` in tables of problems.
    ...findAll(typescript, /\b\w*[eE]rror\(\s*'([A-Z][A-Z0-9_]+)'/g),
    ...findAll(typescript, /\bcode: '([A-Z][A-Z0-9_]+)'/g),
    ...findAll(readSources('src', /^errors\.ts$/), /[?:] '([A-Z][A-Z0-9]*_[A-Z0-9_]+)'[;, ]/g),
    ...findAll(addon, /\b(?:Own|Corrupt)\("([A-Z][A-Z0-9_]+)"/g),
  ].filter((code) => !isErrno(code));
  t.true(made.length > 100, 'the patterns find codes');
  const documented = new Set(readDocumented());
  t.deepEqual([...new Set(made)].filter((code) => !documented.has(code)).sort(), []);
});

test('every code of the README is in the sources, and stands there once', (t) => {
  const documented = readDocumented();
  const sources = `${typescript}\n${addon}`;
  t.deepEqual(
    documented.filter((code) => !sources.includes(`'${code}'`) && !sources.includes(`"${code}"`)),
    [],
  );
  t.deepEqual(
    documented.filter((code, index) => documented.indexOf(code) !== index),
    [],
  );
});
