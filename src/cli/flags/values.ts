import type { ContextMode } from '../../build-types.ts';
import { errorMessage, TsbuildError } from '../../errors.ts';
import { type Platform, parsePlatform } from '../../oci/platform.ts';
import { parseReference } from '../../oci/reference.ts';
import { invalidFlag, unsupportedFlag } from '../usage-errors.ts';

/** `--network`: steps run in the host's network, which also is what `default` means here. */
export const NETWORK_MODES = ['default', 'none', 'host'] as const;
/** `--context-mode`. */
export const CONTEXT_MODES: readonly ContextMode[] = ['as-is', 'git'];

/** `--pull=…`: buildah's and podman's words for when registries are asked. */
export const PULL_POLICIES = ['always', 'missing', 'newer', 'never'] as const;

/**
 * Reads `--build-arg`: `name=value`, or `name` alone for the value in the environment; a name that is not set there is left
 * out, as in docker.
 */
export function parseBuildArgs(values: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const args: Record<string, string> = {};
  for (const text of values) {
    const [name, value] = splitPair(text);
    if (name === '') throw invalidFlag('--build-arg', text, 'it has no name', 'write --build-arg NAME=value');
    const given = value ?? env[name];
    if (given !== undefined) args[name] = given;
    else delete args[name];
  }
  return args;
}

/** Reads `--label`: `name=value`; without a value it is empty. */
export function parseLabels(values: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const text of values) {
    const [name, value = ''] = splitPair(text);
    if (name === '') throw invalidFlag('--label', text, 'it has no name', 'write --label name=value');
    labels[name] = value;
  }
  return labels;
}

/** Reads `--platform` of one platform. */
export function readPlatform(text: string): Platform {
  if (text.includes(',')) throw unsupportedFlag('--platform with several platforms', 'build one platform at a time');
  return translate('--platform', text, () => parsePlatform(text));
}

/** Reads `-t`: collects names that can be tags. */
export function collectTag(text: string, previous: unknown): string[] {
  const reference = translate('-t, --tag', text, () => parseReference(text));
  if (reference.digest !== undefined) throw invalidFlag('-t, --tag', text, 'a tag cannot have a digest');
  return [...(Array.isArray(previous) ? (previous as string[]) : []), text];
}

/** Reads `--max-parallelism`: a number of steps; 0 is no limit, as in BuildKit's configuration. */
export function readParallelism(flag: string, text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : undefined;
  if (count === undefined) throw invalidFlag(flag, text, 'it must be a number of steps, or 0 for no limit');
  return count;
}

function splitPair(text: string): [name: string, value: string | undefined] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** An error of the value's own grammar becomes one of the flag. */
export function translate<T>(flag: string, text: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = errorMessage(error).replace(/^invalid [a-z]+ "(?:[^"\\]|\\.)*": /, '');
    throw invalidFlag(flag, text, why, error instanceof TsbuildError ? error.hint : undefined, error);
  }
}
