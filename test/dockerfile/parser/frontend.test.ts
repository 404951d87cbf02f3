import test from 'ava';
import { findFrontend, parseDockerfile } from '../../../src/dockerfile/parser/index.ts';

const FILES: readonly (readonly [source: string, image: string | undefined])[] = [
  ['# syntax=docker/dockerfile:1\nFROM x', 'docker/dockerfile:1'],
  ['#SYNTAX =  docker/dockerfile:1.7-labs  with words\nFROM x', 'docker/dockerfile:1.7-labs'],
  ['\ufeff#!/usr/bin/env x\n# syntax=a/b\nFROM x', 'a/b'],
  ['# escape=`\n# syntax=a/b\nFROM x', 'a/b'],
  ['# a comment\n# syntax=a/b\nFROM x', undefined],
  ['\n# syntax=a/b\nFROM x', undefined],
  ['FROM x\n# syntax=a/b', undefined],
  ['FROM x', undefined],
  ['', undefined],
  ['// syntax=a/b:1 -x\npackage main', 'a/b:1'],
  ['//syntax = a/b\r\nx', 'a/b'],
  ['#!/bin/x\n// syntax=a/b\nx', 'a/b'],
  ['// escape=`\n// syntax=a/b\nx', 'a/b'],
  ['// words\n// syntax=a/b\nx', undefined],
  ['// check=x\n// check=y\n// syntax=a/b', undefined],
  ['{"syntax": "a/b:2 x", "y": 1}', 'a/b:2'],
  ['#!/bin/x\n{"syntax": "a/b"}', 'a/b'],
  ['{"syntax": 1}', undefined],
  ['{"syntax": "a/b"', undefined],
  ['["syntax"]', undefined],
  ['null', undefined],
];

for (const [source, image] of FILES)
  test(`the frontend of ${JSON.stringify(source)}`, (t) => {
    const { ast } = parseDockerfile(source);
    t.is(findFrontend(source, ast.directives, {})?.image, image);
    const given = findFrontend(source, ast.directives, { BUILDKIT_SYNTAX: ' c/d:3 x' });
    t.is(given?.image, 'c/d:3', 'the build argument goes before');
    t.is(findFrontend(source, ast.directives, { BUILDKIT_SYNTAX: '' })?.image, image);
  });

test('the place of a directive is known', (t) => {
  const source = '#!/bin/x\n#  syntax = a/b  \nFROM x';
  const { range } = findFrontend(source, parseDockerfile(source).ast.directives, {}) ?? {};
  t.deepEqual(range, { start: { line: 2, column: 12 }, end: { line: 2, column: 15 } });
});
