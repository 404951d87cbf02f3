import type { Form } from './form.ts';

/**
 * `user[:group]` as the client writes it (client/llb/fileop.go, WithUser): numbers and root as ids, other names to be looked up in the
 * tree that is changed, which is the op's input `base`.
 */
export function ownerForm(owner: string, base: number): Form {
  const colon = owner.indexOf(':');
  if (colon < 0) return { user: userForm(owner, base) };
  return { user: userForm(owner.slice(0, colon), base), group: userForm(owner.slice(colon + 1), base) };
}

export function idForm(id: number): Form {
  return { User: id === 0 ? {} : { byId: id } };
}

function userForm(name: string, base: number): Form {
  const id = parseId(name);
  if (id !== undefined) return idForm(id);
  return { User: { byName: { name, input: base === 0 ? undefined : base } } };
}

/** A 32-bit number, which is then taken without its sign. */
function parseId(name: string): number | undefined {
  if (name === 'root' || name === '') return 0;
  if (!/^[+-]?\d+$/.test(name)) return undefined;
  const id = Number(name);
  return id >= -(2 ** 31) && id < 2 ** 31 ? id >>> 0 : undefined;
}
