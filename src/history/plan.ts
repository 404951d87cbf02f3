import type { Definition, EnvList, ExecOp, FileAction, FileOp, Op, OpMetadata } from '../llb/index.ts';
import type { Digest } from '../oci/index.ts';
import type { ValueHider } from './secret-values.ts';
import { type BuildPlan, type PlanOp, type PlanVariable, RECORD_FORMAT } from './types.ts';

/** Of an inline file this much is kept, in characters. */
const MAX_DATA = 16 * 1024;
/** Of a Dockerfile. */
const MAX_TEXT = 1024 * 1024;

export interface PlanInput {
  readonly dockerfile: { readonly name: string; readonly text: string };
  /** The graphs of the build, in the order in which they were solved. */
  readonly definitions: readonly Definition[];
}

/** Tells a hider what the variables of steps hold: what is written of a build says none of it, whether its plan is written or was there. */
export function learnValues(definitions: readonly Definition[], hider: ValueHider): void {
  const seen = new WeakSet();
  for (const { ops } of definitions)
    for (const op of ops.values())
      if (op.type === 'exec') for (const [name, value] of op.meta.env.newEntries(seen)) hider.learn(name, value);
}

/** What is kept of a build's graph, so that the next one can be compared with it. */
export function describePlan({ dockerfile, definitions }: PlanInput, hider: ValueHider): BuildPlan {
  const envs = new EnvTable(hider);
  const ops = new Map<Digest, PlanOp>();
  for (const { ops: all, metadata } of definitions) {
    for (const [digest, op] of all) {
      const about = metadata.get(digest);
      if (!ops.has(digest)) ops.set(digest, describeOp(digest, op, about, envs, hider));
    }
  }
  const text = hider.mask(dockerfile.text.slice(0, MAX_TEXT));
  return {
    format: RECORD_FORMAT,
    dockerfile: { name: dockerfile.name, text },
    envs: envs.lists,
    ops: [...ops.values()],
  };
}

/** Long environments that many steps share are kept once. */
class EnvTable {
  readonly lists: PlanVariable[][] = [];
  readonly #hider: ValueHider;
  readonly #known = new Map<string, number>();

  constructor(hider: ValueHider) {
    this.#hider = hider;
  }

  add(env: EnvList, args: EnvList | undefined): number {
    const key = `${env.digest} ${args?.digest ?? ''}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const list = Array.from(env.entries(), ([name, value]): PlanVariable => {
      // An ENV of the same name stands over the ARG, with a value of its own.
      const origin = args?.get(name) === value ? 'arg' : 'env';
      return [name, this.#hider.hide(name, value), origin];
    });
    this.#known.set(key, this.lists.length);
    return this.lists.push(list) - 1;
  }
}

function describeOp(digest: Digest, op: Op, about: OpMetadata | undefined, envs: EnvTable, hider: ValueHider): PlanOp {
  const env = op.type === 'exec' ? { env: envs.add(op.meta.env, about?.buildArgs) } : {};
  const lines = about?.source === undefined ? {} : { lines: [about.source.start.line, about.source.end.line] as const };
  return {
    digest,
    name: hider.mask(about?.name ?? ''),
    ...lines,
    type: op.type,
    inputs: op.inputs.map((input) => input.digest),
    ...env,
    fields: describeFields(op, about, hider),
  };
}

function describeFields(op: Op, about: OpMetadata | undefined, hider: ValueHider): Record<string, unknown> {
  const names = about?.inputNames;
  const inputNames = names === undefined || names.size === 0 ? {} : { inputNames: [...names] };
  switch (op.type) {
    case 'source':
      return {
        identifier: hider.mask(op.identifier),
        attrs: Object.fromEntries(Object.entries(op.attrs).map(([key, value]) => [key, hider.mask(value)])),
        ...(op.platform ? { platform: op.platform } : {}),
      };
    case 'exec':
      return { ...describeExec(op, hider), ...inputNames };
    case 'file':
      return { ...describeFile(op, hider), ...inputNames };
    case 'merge':
      return {};
  }
}

function describeExec({ meta, mounts, platform, network, security, devices }: ExecOp, hider: ValueHider): object {
  const { args, cwd, user, hostname, extraHosts } = meta;
  return {
    args: args.map((arg) => hider.mask(arg)),
    cwd,
    user,
    platform,
    network,
    security,
    mounts,
    ...(hostname === undefined ? {} : { hostname }),
    ...(extraHosts === undefined ? {} : { hosts: extraHosts.map(({ host }) => host) }),
    ...(devices === undefined ? {} : { devices }),
  };
}

function describeFile({ base, actions }: FileOp, hider: ValueHider): object {
  return { base, actions: actions.map((action) => describeAction(action, hider)) };
}

function describeAction(action: FileAction, hider: ValueHider): object {
  if (action.type !== 'mkfile') return maskStrings(action, hider);
  const data = hider.mask(action.data);
  return {
    ...action,
    path: hider.mask(action.path),
    data: data.slice(0, MAX_DATA),
    size: Buffer.byteLength(action.data),
  };
}

function maskStrings(action: object, hider: ValueHider): object {
  return Object.fromEntries(
    Object.entries(action).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === 'string' ? hider.mask(value) : value,
    ]),
  );
}
