import { EnvList, splitEnv } from '../../../llb/index.ts';
import type { ContainerConfig, HistoryEntry, ImageConfig, Platform } from '../../../oci/index.ts';
import { SharedList } from './shared-list.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const HISTORY_COMMENT = 'buildkit.dockerfile.v0';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Members of a config that instructions add to, one by one; they are kept apart from the others, which are replaced. */
type Growing = 'Env' | 'Labels' | 'ExposedPorts' | 'Volumes' | 'OnBuild';

/** An image config while a stage's instructions change it. */
export interface ImageDraft {
  architecture: string;
  os: string;
  variant: string | undefined;
  osVersion: string | undefined;
  author: string | undefined;
  readonly config: Omit<Mutable<ContainerConfig>, Growing>;
  env: EnvList;
  /** What was set, in order; the last of a name wins. */
  readonly labels: SharedList<readonly [name: string, value: string]>;
  readonly ports: SharedList<string>;
  readonly volumes: SharedList<string>;
  readonly onbuild: SharedList<string>;
  readonly history: SharedList<HistoryEntry>;
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
    env: EnvList.from([`PATH=${DEFAULT_PATH}`]),
    labels: new SharedList(),
    ports: new SharedList(),
    volumes: new SharedList(),
    onbuild: new SharedList(),
    history: new SharedList(),
    baseConfig: undefined,
  };
}

/** A draft on top of a base image; what the image's own ONBUILD says is for who starts from it, not for who comes after. */
export function draftFrom(base: ImageConfig): ImageDraft {
  const { Env, Labels, ExposedPorts, Volumes, OnBuild: _, ...config } = base.config ?? {};
  return {
    architecture: base.architecture,
    os: base.os,
    variant: base.variant,
    osVersion: base['os.version'],
    author: base.author,
    config: { ...config },
    env: (Env ?? []).reduce((env, entry) => env.replace(...splitEnv(entry)), EnvList.empty),
    labels: listOf(Object.entries(Labels ?? {})),
    ports: listOf(Object.keys(ExposedPorts ?? {})),
    volumes: listOf(Object.keys(Volumes ?? {})),
    onbuild: new SharedList(),
    history: listOf(base.history ?? []),
    baseConfig: base,
  };
}

/** A draft for a stage that starts from another stage. ONBUILD triggers do not carry over. */
export function copyDraft(draft: ImageDraft): ImageDraft {
  return {
    ...draft,
    config: { ...draft.config },
    labels: new SharedList(draft.labels),
    ports: new SharedList(draft.ports),
    volumes: new SharedList(draft.volumes),
    onbuild: new SharedList(),
    history: new SharedList(draft.history),
  };
}

function listOf<T>(items: Iterable<T>): SharedList<T> {
  const list = new SharedList<T>();
  for (const item of items) list.push(item);
  return list;
}

/** Every stage has a PATH, as in BuildKit. */
export function addDefaultPath(draft: ImageDraft): void {
  if (!draft.env.has('PATH')) setImageEnv(draft, 'PATH', DEFAULT_PATH);
}

/** Sets a variable in place, or at the end. */
export function setImageEnv(draft: ImageDraft, name: string, value: string): void {
  draft.env = draft.env.replace(name, value);
}

/** The finished container config, with the labels that were given beside the file. */
export function finishConfig(draft: ImageDraft, given: Readonly<Record<string, string>>): ContainerConfig {
  const [env, ports, volumes, onbuild] = [[...draft.env], [...draft.ports], [...draft.volumes], [...draft.onbuild]];
  const labels = { ...Object.fromEntries(draft.labels), ...given };
  return {
    ...draft.config,
    ...(env.length === 0 ? {} : { Env: env }),
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
    ...(ports.length === 0 ? {} : { ExposedPorts: setOf(ports) }),
    ...(volumes.length === 0 ? {} : { Volumes: setOf(volumes) }),
    ...(onbuild.length === 0 ? {} : { OnBuild: onbuild }),
  };
}

function setOf(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

/** Records a step whose text is long and seldom read: every RUN tells all arguments that came before it. */
export function addLazyHistory(draft: ImageDraft, describe: () => string): void {
  draft.history.push({
    get created_by() {
      return describe();
    },
    comment: HISTORY_COMMENT,
  });
}

/** Records an instruction; entries without a layer say so. */
export function addHistory(draft: ImageDraft, createdBy: string, layer: boolean): void {
  draft.history.push({
    created_by: createdBy,
    comment: HISTORY_COMMENT,
    ...(layer ? {} : { empty_layer: true }),
  });
}
