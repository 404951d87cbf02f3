import type { Definition } from '../../llb/ops.ts';
import type { ContainerConfig, Digest, HistoryEntry, ImageConfig, Platform } from '../../oci/index.ts';
import type { IgnoreFile, LintWarning } from '../lint/index.ts';
import type { SourceRange } from '../position.ts';

/** Everything that decides what a Dockerfile means. */
export interface ConvertRequest {
  /** The Dockerfile's text. */
  readonly source: string;
  /** Its path as the user gave it, for error frames. */
  readonly fileName: string;
  /** `--build-arg`. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** What an ARG `SOURCE_DATE_EPOCH` before the first FROM means, where its default is a name. */
  readonly sourceDateEpoch?: string;
  /** `--target`: a stage's name or index; the last stage when absent. */
  readonly target?: string;
  /** What is built for. */
  readonly targetPlatform: Platform;
  /** Nobody asked for that platform: the image is for the one that its base is for. */
  readonly platformFromBase?: boolean;
  /** What runs the build. */
  readonly buildPlatform: Platform;
  /** The platform is one of several (or was asked for by name): vertex names carry it. */
  readonly multiPlatform?: boolean;
  /** `--label`: set on the result after all instructions. */
  readonly labels?: Readonly<Record<string, string>>;
  /** `--no-cache`. */
  readonly noCache?: boolean;
  /** `--no-cache-filter`: names of the stages that run without cache. */
  readonly noCacheFilter?: readonly string[];
  /** What the main context is, where it is no local directory. */
  readonly mainContext?: SourceContext;
  /** `--build-context`, by name or `name::platform`. */
  readonly namedContexts?: ReadonlyMap<string, NamedContext>;
  /** Default network of RUN (`--network`). */
  readonly network?: 'host' | 'none' | 'default';
  /** `--add-host`. */
  readonly extraHosts?: readonly { readonly host: string; readonly ip: string }[];
  /** Prefix of cache mount ids; the build argument `BUILDKIT_CACHE_MOUNT_NS` when absent. */
  readonly cacheIdNamespace?: string;
  readonly meta: MetaResolver;
  /** The ignore file of the main context, for the check of what COPY names. */
  readonly ignoreFile?: IgnoreFile;
  /** The beginning of a file of the main context, where it can be looked at before the build; for checks. */
  readonly readContextFile?: (path: string) => string | undefined;
  /** Every stage is converted, not only what the target needs (`--check`). */
  readonly allStages?: boolean;
  readonly onWarning?: (warning: LintWarning) => void;
  /** What only somebody who looks for a fault wants to read. */
  readonly onNote?: (note: string) => void;
  readonly signal?: AbortSignal;
}

/** What stands in for a base image, a stage or a `--from` name. `name` is the key of `namedContexts`. */
export type NamedContext =
  /** A local directory: `local://<name>`. */
  | { readonly type: 'local'; readonly name: string }
  /** Another image: its reference as the user wrote it; `scratch` is the empty tree. */
  | { readonly type: 'image'; readonly name: string; readonly reference: string }
  /** The image of an OCI layout: `oci-layout://<name>@<digest>`. */
  | { readonly type: 'layout'; readonly name: string }
  | SourceContext
  /** Another stage of the same file (`target:<stage>`). */
  | { readonly type: 'stage'; readonly name: string };

/** A tree that a source op gives (git), or what is in an archive that it gives (http). */
export interface SourceContext {
  readonly type: 'source';
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
  /** Name of the vertex. */
  readonly title: string;
  /** The one file in the tree: when it is a tar, what is in it is meant, else the file. */
  readonly archive?: string;
}

/** Resolves a base image to its pinned name and config. */
export interface MetaResolver {
  /** `reference` is normalised and full: `docker.io/library/busybox:1`. */
  resolveImageConfig(reference: string, platform: Platform, options: ResolveOptions): Promise<ResolvedImage>;
  /** The image of a named context that is an OCI layout. Its `reference` is `<name>@sha256:…`. */
  resolveLayoutConfig(name: string, platform: Platform, options: ResolveOptions): Promise<ResolvedImage>;
}

export interface ResolveOptions {
  /** `[internal] load metadata for docker.io/library/busybox:1`, with the platform in front where there are several. */
  readonly logName: string;
  /** The words that name the image. */
  readonly range?: SourceRange;
  readonly signal?: AbortSignal;
}

export interface ResolvedImage {
  /** Of the manifest, or of the index that was resolved. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** `docker.io/library/busybox:1@sha256:…`. */
  readonly reference: string;
  readonly config: ImageConfig;
}

/** A build graph and what the image around it will say. */
export interface ConvertResult {
  /** The target stage's tree. */
  readonly definition: Definition;
  /** Those of all stages that were converted. */
  readonly listDefinitions: () => Iterable<Definition>;
  readonly image: ConvertedImage;
  readonly platform: Platform;
  /** Names of all stages in file order; unnamed ones are their index. */
  readonly stageNames: readonly string[];
  /** The contexts that some reachable step reads. */
  readonly contexts: readonly UsedContext[];
}

/** An image config without its layers: `rootfs` comes from the snapshots, `created` from the clock. */
export interface ConvertedImage {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly author?: string;
  readonly config: ContainerConfig;
  /** The base image's entries first, as they were; then one for each instruction. Entries without `created` are new. */
  readonly history: readonly HistoryEntry[];
  /** The config that the target stage's chain of stages starts from; absent for `scratch`. */
  readonly baseConfig?: ImageConfig;
}

export interface UsedContext {
  /** `context` is the main one. */
  readonly name: string;
  /** `local://<name>`, as in the source ops. */
  readonly identifier: string;
  /** The `.dockerignore` at its root applies. */
  readonly ignoreFile: boolean;
  /** Absolute, cleaned paths (patterns included) that steps read, or `undefined` when all of it may be read. */
  readonly paths: readonly string[] | undefined;
}
