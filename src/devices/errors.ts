import { TsbuildError } from '../errors.ts';

/** What is wrong with a specification. Such a file is left out; the error of a device that is missed tells of it. */
export class SpecError extends Error {}

export function deviceMissing(name: string, hint: string): TsbuildError {
  return new TsbuildError(
    'DEVICE_MISSING',
    `this machine has no device ${JSON.stringify(name)}, which the step requires`,
    {
      hint,
      details: { device: name },
    },
  );
}

/** Names are those of the machine's devices, not of what the step calls them. */
export function devicesForbidden(names: readonly string[]): TsbuildError {
  const [first = ''] = names;
  const what = names.length === 1 ? `the device ${first} is` : `the devices ${names.join(', ')} are`;
  return new TsbuildError('ENTITLEMENT_MISSING', `${what} not allowed`, {
    hint: `add --allow device=${first}, or --allow device for all devices, if you trust this Dockerfile`,
    details: { entitlement: `device=${first}` },
  });
}

/** What a specification says of a device cannot be done. */
export function deviceUnusable(name: string, why: string, path: string): TsbuildError {
  return new TsbuildError('DEVICE_UNUSABLE', `the device ${name} cannot be used: ${why}`, {
    hint: `it is described in ${path}`,
    details: { device: name, path },
  });
}

export function grantInvalid(text: string, why: string): TsbuildError {
  return new TsbuildError('ENTITLEMENT_INVALID', `--allow ${text}: ${why}`, {
    hint: 'write device, device=<name> or device=<name>,alias=<name in the Dockerfile>',
  });
}
