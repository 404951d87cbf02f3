import { invalidFlag } from '../usage-errors.ts';

/** Reads `--build-context name=value`; of one name the last counts, as in docker. Throws `FLAG_INVALID`. */
export function collectContext(text: string, previous: unknown): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  if (equals <= 0)
    throw invalidFlag(
      '--build-context',
      text,
      equals < 0 ? 'it is no pair' : 'it has no name',
      'write --build-context name=<directory, image or URL>',
    );
  const earlier = (previous as Readonly<Record<string, string>> | undefined) ?? {};
  return { ...earlier, [text.slice(0, equals)]: text.slice(equals + 1) };
}
