import { TsbuildError } from '../errors.ts';

/** A filter that does not exist or cannot be read. */
export function filterInvalid(text: string, why: string, hint?: string): TsbuildError {
  return new TsbuildError('FILTER_INVALID', `invalid filter ${JSON.stringify(text)}: ${why}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { filter: text },
  });
}

const SIZES = 'a size is a number of bytes, 10GB, 512MiB, or a share of the disk: 20%';

/** A setting of the environment or of config.json. */
export function settingInvalid(name: string, value: string, why: string, hint = SIZES): TsbuildError {
  return new TsbuildError('SETTING_INVALID', `invalid ${name}=${value}: ${why}`, {
    hint,
    details: { name },
  });
}

/** The file of settings as a whole cannot be read. */
export function settingsUnreadable(path: string, why: string): TsbuildError {
  return new TsbuildError('SETTING_INVALID', `cannot read the settings in ${path}: ${why}`, {
    hint: 'it is JSON, {"gc": {"maxUsedSpace": "20GB"}}; without the file the defaults hold',
    details: { path },
  });
}

/** Another prune or repair has the store. */
export function upkeepBusy(): TsbuildError {
  return new TsbuildError('STORE_BUSY', 'another prune or fsck --repair works on the store', {
    hint: 'wait until it has ended',
  });
}

/** Builds hold the lock that a collection needs, all the time: a full disk makes them. */
export function collectionRefused(): TsbuildError {
  return new TsbuildError(
    'STORE_BUSY',
    'a running build could not write down what it uses, so nothing may be removed before it ends',
    {
      hint: 'the disk was full when it tried; end it, or wait for it, and try again',
    },
  );
}

/** Nothing in the store has that name. */
export function nothingCalled(reference: string): TsbuildError {
  return new TsbuildError('NOTHING_FOUND', `nothing in the store is called ${reference}`, {
    hint: "'tsbuild du' and 'tsbuild images' list what there is; the beginning of an ID will do",
    details: { reference },
  });
}

/** The beginning of several IDs. */
export function nameAmbiguous(reference: string, ids: readonly string[]): TsbuildError {
  return new TsbuildError('NAME_AMBIGUOUS', `${reference} is the beginning of several: ${ids.slice(0, 5).join(', ')}`, {
    hint: 'write more of it',
    details: { reference },
  });
}
