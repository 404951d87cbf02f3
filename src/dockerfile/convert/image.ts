import type { ContainerConfig, HistoryEntry, ImageConfig, Platform } from '../../oci/index.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const HISTORY_COMMENT = 'buildkit.dockerfile.v0';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** `Env` is kept apart. The maps belong to the draft alone and are added to in place. */
export type MutableConfig = Omit<Mutable<ContainerConfig>, 'Env' | 'Labels' | 'ExposedPorts' | 'Volumes'> & {
  Labels?: Record<string, string>;
  ExposedPorts?: Record<string, object>;
  Volumes?: Record<string, object>;
};

/** An image config while a stage's instructions change it. */
export interface ImageDraft {
  architecture: string;
  os: string;
  variant: string | undefined;
  osVersion: string | undefined;
  author: string | undefined;
  /** All but `Env`, which is in `env`. */
  readonly config: MutableConfig;
  /** `NAME=value` by name, in order. */
  readonly env: Map<string, string>;
  readonly history: HistoryEntry[];
  readonly baseConfig: ImageConfig | undefined;
}

/** What `FROM scratch` starts with. */
export function emptyImage(platform: Platform): ImageDraft {
  return {
    architecture: platform.architecture,
    os: platform.os,
    variant: platform.variant,
    osVersion: platform['os.version'],
    author: undefined,
    config: { WorkingDir: '/' },
    env: new Map([['PATH', `PATH=${DEFAULT_PATH}`]]),
    history: [],
    baseConfig: undefined,
  };
}

/** A draft on top of a base image. */
export function draftFrom(base: ImageConfig): ImageDraft {
  const { Env: env, ...config } = structuredClone(base.config ?? {});
  return {
    architecture: base.architecture,
    os: base.os,
    variant: base.variant,
    osVersion: base['os.version'],
    author: base.author,
    config,
    env: new Map((env ?? []).map((entry) => [splitEnv(entry)[0], entry])),
    history: [...(base.history ?? [])],
    baseConfig: base,
  };
}

/** A draft for a stage that starts from another stage. ONBUILD triggers do not carry over. */
export function copyDraft(draft: ImageDraft): ImageDraft {
  const { OnBuild: _, ...config } = structuredClone(draft.config);
  return { ...draft, config, env: new Map(draft.env), history: [...draft.history] };
}

/** Every stage has a PATH, as in BuildKit. */
export function addDefaultPath(draft: ImageDraft): void {
  if (!draft.env.has('PATH')) setImageEnv(draft, 'PATH', DEFAULT_PATH);
}

/** Sets a variable in place, or at the end. */
export function setImageEnv(draft: ImageDraft, name: string, value: string): void {
  draft.env.set(name, `${name}=${value}`);
}

/** The finished container config. */
export function finishConfig(draft: ImageDraft): ContainerConfig {
  return draft.env.size === 0 ? draft.config : { ...draft.config, Env: [...draft.env.values()] };
}

/** Records an instruction; entries without a layer say so. */
export function addHistory(draft: ImageDraft, createdBy: string, layer: boolean): void {
  draft.history.push({
    created_by: createdBy,
    comment: HISTORY_COMMENT,
    ...(layer ? {} : { empty_layer: true }),
  });
}

export function splitEnv(entry: string): [name: string, value: string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
