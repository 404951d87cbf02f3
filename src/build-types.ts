import type { Readable } from 'node:stream';
import type { Compression, Descriptor, Digest, Platform } from './oci/index.ts';
import type { ProgressSink } from './progress/events.ts';

/** What to build. Defaults are docker's. */
export interface BuildRequest {
  /** The build context: a directory, the URL of a git repository, or an http(s) URL of a tar or of a Dockerfile. */
  readonly context: string;
  /** The context itself, as `docker build -` takes it: a tar, compressed or not, or a Dockerfile. `context` is then not looked at. */
  readonly contextStream?: Readable;
  /** Dockerfile path; default `Dockerfile` in the context. Of a context that is no directory: a path inside it. Ignored when
   * `dockerfileText` is given. */
  readonly dockerfile?: string;
  /** The Dockerfile itself (`-f -`, or a program's). */
  readonly dockerfileText?: string;
  /** Image names, `name[:tag]`. */
  readonly tags?: readonly string[];
  /** Values of ARGs. Nothing is taken from the environment. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Set over those of the Dockerfile. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Name or number of a stage; default: the last one. */
  readonly target?: string;
  /** Default: this machine's. */
  readonly platform?: Platform;
  /** Rejects with a `CacheMissedError`, which has the `result`, when a step of these stages (names or numbers; `true`: any) ran. */
  readonly failOnMiss?: true | readonly string[];
  /** Runs all steps again. */
  readonly noCache?: boolean;
  /** Stages whose steps run whatever is cached. */
  readonly noCacheFilter?: readonly string[];
  /**
   * `--build-context`: what stands in for a stage, an image or a `--from` by that name (or `name::platform`). A directory, or
   * `docker-image://…`, `oci-layout://…`, a git URL, an http(s) URL of a tar, `target:<stage>`.
   */
  readonly buildContexts?: Readonly<Record<string, string>>;
  /**
   * How directories and tars of the user's are read. `as-is` (default): modes and attributes as they are there, as docker does. `git`: as
   * a checkout by git with umask 022 has them, so that keys and images are the same wherever the files lie.
   */
  readonly contextMode?: ContextMode;
  /** What `RUN --mount=type=secret` and private sources may ask for. Read when something does, and kept in memory only. */
  readonly secrets?: readonly SecretSpec[];
  /** Agents that `RUN --mount=type=ssh` and repositories over ssh may ask. */
  readonly ssh?: readonly SshSpec[];
  /** How many steps run, copy or fetch at once; default and 0: no limit. */
  readonly maxParallelism?: number;
  /** Rights that steps may ask for. */
  readonly allow?: readonly Entitlement[];
  /** Network of RUN steps that name none; `default` is the machine's own. */
  readonly network?: 'default' | 'none' | 'host';
  /** Lines of the steps' /etc/hosts; `ip` may be `host-gateway`. */
  readonly extraHosts?: readonly { readonly host: string; readonly ip: string }[];
  /** Set in what is made around the image. */
  readonly annotations?: readonly AnnotationSpec[];
  /** All layers above the base become one. */
  readonly squash?: boolean;
  /** Whether registries are asked for the images that the Dockerfile names. `true` is `always`; default `missing`. */
  readonly pull?: boolean | PullPolicy;
  /** Nothing is asked of any server; what is not in the store is told all at once. What RUN steps do is for `network` to say. */
  readonly offline?: boolean;
  /** Images, URLs and refs of repositories are what the lock file says, and what it has not is refused. */
  readonly locked?: boolean;
  /** The lock file; default: `<Dockerfile>.lock` beside the Dockerfile. */
  readonly lockFile?: string;
  /** Caches that others exported, and images that have one in them: what they have made is not made again. */
  readonly cacheFrom?: readonly CacheSourceSpec[];
  /** Where what this build made, or found, goes for others. */
  readonly cacheTo?: readonly CacheDestinationSpec[];
  /** Default: one that keeps the image in the store. */
  readonly outputs?: readonly OutputSpec[];
  /** Push every tag when built. */
  readonly push?: boolean;
  /** Places of cache mounts, asked in this order. */
  readonly cacheMountsFrom?: readonly CacheMountFrom[];
  /** After a build that succeeded. */
  readonly cacheMountsTo?: readonly CacheMountTo[];
  /** Store directory; default `TSBUILD_ROOT`, `/var/lib/tsbuild` or `$XDG_DATA_HOME/tsbuild`. */
  readonly root?: string;
  /** Takes the events of the build: steps, their output, warnings. */
  readonly onProgress?: ProgressSink;
  /** Lines for somebody who looks for a fault (`--debug`): which frontend a file asks for. */
  readonly onNote?: (note: string) => void;
  /** Ends the build; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * `missing`: a name that the store has is not looked up. `always`: it is, and the build fails where that fails. `newer`: it is looked up,
 * and where that fails the store's will do. `never`: the store has it, or the build fails.
 */
export type PullPolicy = 'missing' | 'always' | 'newer' | 'never';

export type ContextMode = 'as-is' | 'git';

/** `--secret id=…`: a file, a variable of this process's environment, or the value itself (or what gives it when it is asked for). */
export type SecretSpec =
  | { readonly id: string; readonly file: string }
  | { readonly id: string; readonly env: string }
  | { readonly id: string; readonly value: Uint8Array | (() => Promise<Uint8Array>) };

/** `--ssh id=path,…`: one socket of an agent, or private key files; none: the agent of `SSH_AUTH_SOCK`. */
export interface SshSpec {
  readonly id: string;
  readonly paths: readonly string[];
}

/** `network.host`, `security.insecure`, `device` or `device=<name>`. */
export type Entitlement = string;

/** `--annotation [manifest|index|manifest-descriptor|index-descriptor[platform]:]key=value`. */
export interface AnnotationSpec {
  readonly on: 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';
  readonly platform?: Platform;
  readonly key: string;
  readonly value: string;
}

/** Where exported cache mounts lie: a name in a registry, a directory that is an OCI layout, or such a layout as a tar (`-`: stdin, stdout). */
export type CacheMountPlace =
  | { readonly type: 'registry'; readonly ref: string }
  | { readonly type: 'layout'; readonly path: string; readonly tag?: string }
  | { readonly type: 'tar'; readonly path: string };

/** `--cache-mount-from`: where caches come from that steps mount and the store lacks. */
export interface CacheMountFrom {
  readonly place: CacheMountPlace;
  /** Only these; absent: all that steps mount. */
  readonly ids?: readonly string[];
  /** Also what the store has is replaced. */
  readonly replace?: boolean;
  /** A place that cannot be asked ends the build; otherwise it is warned of. */
  readonly required?: boolean;
  /** Bytes of content; what was used longest ago is left out. */
  readonly maxBytes?: number;
}

/** `--cache-mount-to`: where the caches go that steps of the build mounted. */
export interface CacheMountTo {
  readonly place: CacheMountPlace;
  readonly ids?: readonly string[];
  readonly maxBytes?: number;
  /** A failure is a warning. */
  readonly ignoreError?: boolean;
}

/** `--cache-from type=…`. What is not there is a warning: on a first run nothing is. */
export type CacheSourceSpec =
  | {
      readonly type: 'registry';
      /** A cache, or an image with an inline one. */
      readonly ref: string;
      /** The registry may speak plain HTTP, or have a certificate that nobody vouches for. */
      readonly insecure?: boolean;
    }
  | {
      readonly type: 'local';
      /** A directory in the form of an OCI image layout. */
      readonly src: string;
      /** Default `latest`. */
      readonly tag?: string;
      readonly digest?: Digest;
    };

/** `--cache-to type=…`. */
export type CacheDestinationSpec =
  | (CacheExportOptions & { readonly type: 'registry'; readonly ref: string; readonly insecure?: boolean })
  | (CacheExportOptions & {
      readonly type: 'local';
      readonly dest: string;
      /** Default `latest`. */
      readonly tag?: string;
      /** What the directory then holds for no tag any more is removed. */
      readonly reset?: boolean;
    })
  /** In the config of the image; of the steps whose layers the image has. */
  | { readonly type: 'inline'; readonly ignoreError?: boolean };

export interface CacheExportOptions {
  /** `min` (default): steps whose layers are in the result; `max`: all steps. */
  readonly mode?: 'min' | 'max';
  /** Of layers that are packed for it; default gzip. */
  readonly compression?: Compression;
  readonly compressionLevel?: number;
  /** Layers that have a blob of another compression are packed again. */
  readonly forceCompression?: boolean;
  /** Default true; `false` is an index, as BuildKit wrote it before 0.21. */
  readonly imageManifest?: boolean;
  /** Default true; `false` only together with `imageManifest: false`. */
  readonly ociMediaTypes?: boolean;
  /** A failure is a warning. */
  readonly ignoreError?: boolean;
}

/** `-o type=…,dest=…`. `dest` `-` is standard output. */
export type OutputSpec =
  | {
      readonly type: 'image';
      readonly name?: string;
      readonly push?: boolean;
      readonly annotations?: readonly AnnotationSpec[];
    }
  | {
      readonly type: 'oci' | 'docker';
      readonly dest?: string;
      readonly compression?: Compression;
      readonly tar?: boolean;
      readonly annotations?: readonly AnnotationSpec[];
    }
  | { readonly type: 'local'; readonly dest: string }
  | { readonly type: 'tar'; readonly dest: string };

export interface BuildResult {
  /** Config digest: what docker calls the image ID. Absent when no image was asked for (`type=local`, `tar`). */
  readonly imageID?: Digest;
  /** The image in the store: a manifest when one was made or pushed, else the config. */
  readonly descriptor?: Descriptor;
  /** Full names given to the image, in the store or in an archive. */
  readonly names: readonly string[];
  readonly platform: Platform;
  /** How many steps ran, and how many came from the cache. */
  readonly executed: number;
  readonly cached: number;
  /** The build's name in the store's records (`inspectBuild`, `explainBuild`). */
  readonly id: string;
  /** Path of the whole log. */
  readonly logPath: string;
}
