import { grantInvalid } from './errors.ts';

/** What `--allow device…` gives. */
export interface DeviceGrants {
  /** `device` alone. */
  readonly all: boolean;
  /** `device=<name>`. */
  readonly names: readonly string[];
  /** `device=<name>,alias=<wanted>`: what a step means by `wanted`. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Reads the entitlements of a build; those that are not about devices are left out. Throws `ENTITLEMENT_INVALID`. */
export function readGrants(allow: readonly string[]): DeviceGrants {
  const names: string[] = [];
  const aliases = new Map<string, string>();
  for (const text of allow) {
    if (!text.startsWith('device=')) continue;
    const [name = '', ...fields] = text.slice('device='.length).split(',');
    let alias = '';
    for (const field of fields) {
      if (!field.startsWith('alias=')) throw grantInvalid(text, `${JSON.stringify(field)} is not alias=…`);
      alias = field.slice('alias='.length);
    }
    if (alias === '') names.push(name);
    else aliases.set(alias, name);
  }
  // An empty name is no name, as with BuildKit.
  const all = allow.includes('device') || names.includes('');
  return { all, names, aliases };
}
