import { TsbuildError } from '../errors.ts';

export function invalidDigest(text: string): TsbuildError {
  return new TsbuildError('DIGEST_INVALID', `not a digest: ${JSON.stringify(text)}`, {
    hint: 'a digest is sha256:<64 hex digits> or sha512:<128 hex digits>',
  });
}

export function invalidReference(text: string, why: string): TsbuildError {
  return new TsbuildError('REFERENCE_INVALID', `invalid reference ${JSON.stringify(text)}: ${why}`, {
    hint: 'a reference is [host[:port]/]path[:tag][@digest] with a lower-case path',
  });
}

export function invalidPlatform(text: string, why: string): TsbuildError {
  return new TsbuildError('PLATFORM_INVALID', `invalid platform ${JSON.stringify(text)}: ${why}`, {
    hint: 'a platform is os/arch or os/arch/variant, for example linux/arm64 or linux/arm/v7',
  });
}

export function invalidManifest(what: string, why: string): TsbuildError {
  return new TsbuildError('MANIFEST_INVALID', `${what}: ${why}`);
}
