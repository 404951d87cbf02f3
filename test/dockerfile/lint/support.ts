import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dockerfileToLLB, type MetaResolver } from '../../../src/dockerfile/convert/index.ts';
import { readIgnoreLines } from '../../../src/dockerfile/ignore/index.ts';
import type { LintWarning } from '../../../src/dockerfile/lint/index.ts';
import { digestOf, type ImageConfig, MediaType } from '../../../src/oci/index.ts';

/** `case.json` of a folder of fixtures/lint. */
export interface LintCase {
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** In the order of lines. */
  readonly warnings: readonly ExpectedWarning[];
  /** The file is refused (or `error=true` refuses it), after these warnings. */
  readonly refused?: boolean;
  /** Who was asked: `buildkit 0.25`, or where it is written. */
  readonly verified: string;
}

export interface ExpectedWarning {
  readonly rule: string;
  /** First and last line. */
  readonly lines: readonly [number, number];
  /** The words that are underlined. */
  readonly token?: string;
}

export interface LintFixture {
  readonly name: string;
  readonly directory: string;
  readonly spec: LintCase;
}

const ROOT = resolve(import.meta.dirname, '../../../../fixtures/lint');

export function listFixtures(group: string): LintFixture[] {
  const base = join(ROOT, group);
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name === 'case.json')
    .map((entry) => ({
      name: entry.parentPath.slice(base.length + 1),
      directory: entry.parentPath,
      spec: JSON.parse(readFileSync(join(entry.parentPath, 'case.json'), 'utf8')) as LintCase,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Files of `fixtures/lint/<group>` that are Dockerfiles of their own. */
export function listDockerfiles(group: string): string[] {
  return readdirSync(join(ROOT, group))
    .filter((name) => name.endsWith('.Dockerfile'))
    .map((name) => join(ROOT, group, name));
}

/** `lint/base:1` has a shell, a variable and a directory of its own; `lint/arm:1` is for another platform. */
const BASES: Readonly<Record<string, ImageConfig['config']>> = {
  'docker.io/lint/base:1': { Env: ['PATH=/bin', 'FROM_BASE=1'], Shell: ['/bin/x'], WorkingDir: '/w' },
};

const meta: MetaResolver = {
  async resolveImageConfig(reference) {
    const config: ImageConfig = {
      os: 'linux',
      architecture: reference.includes('/arm:') ? 'arm64' : 'amd64',
      rootfs: { type: 'layers', diff_ids: [digestOf(reference)] },
      config: BASES[reference] ?? {},
    };
    const digest = digestOf(`manifest of ${reference}`);
    return { digest, mediaType: MediaType.ociManifest, reference: `${reference}@${digest}`, config };
  },
  async resolveLayoutConfig() {
    throw new Error('no layouts here');
  },
};

export interface LintOutcome {
  readonly warnings: readonly LintWarning[];
  readonly error: unknown;
}

/** Checks a Dockerfile as `--check` does, with image configs made up. */
export async function lint(
  source: string,
  options: {
    readonly buildArgs?: Readonly<Record<string, string>>;
    readonly target?: string;
    readonly ignore?: string;
    readonly files?: Readonly<Record<string, string>>;
  } = {},
): Promise<LintOutcome> {
  const warnings: LintWarning[] = [];
  const { target, ignore, files } = options;
  let error: unknown;
  try {
    await dockerfileToLLB({
      source,
      fileName: 'Dockerfile',
      buildArgs: options.buildArgs ?? {},
      targetPlatform: { os: 'linux', architecture: 'amd64' },
      buildPlatform: { os: 'linux', architecture: 'amd64' },
      meta,
      allStages: target === undefined,
      onWarning: (warning) => warnings.push(warning),
      ...(target === undefined ? {} : { target }),
      ...(ignore === undefined ? {} : { ignoreFile: { name: '.dockerignore', lines: readIgnoreLines(ignore) } }),
      ...(files === undefined ? {} : { readContextFile: (path) => files[path] }),
    });
  } catch (caught) {
    error = caught;
  }
  return { warnings, error };
}

export async function lintFixture({ directory, spec }: LintFixture): Promise<LintOutcome> {
  const ignorePath = join(directory, '.dockerignore');
  return await lint(readFileSync(join(directory, 'Dockerfile'), 'utf8'), {
    ...(spec.buildArgs === undefined ? {} : { buildArgs: spec.buildArgs }),
    ...(spec.target === undefined ? {} : { target: spec.target }),
    ...(existsSync(ignorePath) ? { ignore: readFileSync(ignorePath, 'utf8') } : {}),
  });
}

/** Comparable with what a case expects. */
export function describeWarnings(warnings: readonly LintWarning[]): ExpectedWarning[] {
  return warnings
    .map(
      ({ rule, instruction }): ExpectedWarning => ({
        rule: rule.name,
        lines: [instruction?.start.line ?? 0, instruction?.end.line ?? 0],
      }),
    )
    .toSorted((a, b) => a.lines[0] - b.lines[0] || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0));
}

/** The words of the source that a warning underlines. */
export function markedText(source: string, { range }: LintWarning): string {
  if (range === undefined) return '';
  const lines = source.split('\n').slice(range.start.line - 1, range.end.line);
  const last = lines.length - 1;
  return lines
    .map((line, at) => line.slice(at === 0 ? range.start.column : 0, at === last ? range.end.column : undefined))
    .join('\n');
}
