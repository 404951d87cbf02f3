import type { AnnotationSpec } from '../../build-types.ts';
import { type Platform, parsePlatform } from '../../oci/platform.ts';
import { suggest } from '../../suggest.ts';
import { invalidFlag } from '../usage-errors.ts';

const FLAG = '--annotation';
const PLACES = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;

/** Reads one `--annotation`: `[place[platform],…:]key=value`, on the manifest where no place is named. Collects. Throws `FLAG_INVALID`. */
export function collectAnnotation(text: string, previous: unknown): AnnotationSpec[] {
  const collected = (previous as AnnotationSpec[] | undefined) ?? [];
  // An empty variable of a script gives nothing.
  return text === '' ? collected : [...collected, ...parseAnnotation(text)];
}

function parseAnnotation(text: string): AnnotationSpec[] {
  const equals = text.indexOf('=');
  if (equals < 0) throw invalidFlag(FLAG, text, 'it has no "="', 'write --annotation key=value');
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const colon = name.indexOf(':');
  const places = colon < 0 ? ['manifest'] : name.slice(0, colon).split(',');
  const key = name.slice(colon + 1);
  if (key === '') throw invalidFlag(FLAG, text, 'it has no key', 'write --annotation key=value');
  return places.map((place) => ({ ...parsePlace(FLAG, text, place), key, value }));
}

/** An attribute of `-o`: `annotation-index[linux/amd64].key`; `undefined` for any other. Throws `FLAG_INVALID`. */
export function parseAnnotationAttribute(
  flag: string,
  text: string,
  name: string,
  value: string,
): AnnotationSpec | undefined {
  const parts = /^annotation(?:-([^[.]*))?(\[[^\]]*\])?\.(.*)$/.exec(name);
  if (parts === null) return undefined;
  const [, place = 'manifest', platform = '', key = ''] = parts;
  if (key === '') throw invalidFlag(flag, text, `${name} names no annotation`, 'write annotation.key=value');
  return { ...parsePlace(flag, text, place + platform), key, value };
}

function parsePlace(flag: string, text: string, word: string): Pick<AnnotationSpec, 'on' | 'platform'> {
  const parts = /^([a-z-]+)(?:\[([\w/.-]+)\])?$/.exec(word);
  if (parts === null)
    throw invalidFlag(
      flag,
      text,
      `${JSON.stringify(word)} is no place`,
      `places are ${PLACES.join(', ')}, a platform may follow in []`,
    );
  const on = PLACES.find((place) => place === parts[1]);
  if (on === undefined) {
    const near = suggest(parts[1] ?? '', PLACES);
    const hint = near === undefined ? `places are ${PLACES.join(', ')}` : `did you mean ${near}?`;
    throw invalidFlag(flag, text, `there is no place ${JSON.stringify(parts[1])}`, hint);
  }
  return parts[2] === undefined ? { on } : { on, platform: readAnnotatedPlatform(flag, text, parts[2]) };
}

function readAnnotatedPlatform(flag: string, text: string, platform: string): Platform {
  try {
    return parsePlatform(platform);
  } catch (error) {
    throw invalidFlag(flag, text, `${JSON.stringify(platform)} is no platform`, 'for example linux/arm64', error);
  }
}
