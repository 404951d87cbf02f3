import type { Compression, Descriptor, Digest, Platform } from './oci/index.ts';
import type { ProgressSink } from './progress/events.ts';

/** What to build. Defaults are docker's. */
export interface BuildRequest {
  /** Directory of the build context. */
  readonly context: string;
  /** Dockerfile path; default `Dockerfile` in the context. Ignored when `dockerfileText` is given. */
  readonly dockerfile?: string;
  /** The Dockerfile itself (`-f -`, or a program's). */
  readonly dockerfileText?: string;
  /** Image names, `name[:tag]`. */
  readonly tags?: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Default: this machine's. */
  readonly platform?: Platform;
  readonly noCache?: boolean;
  /** Ask registries for a newer base even when one is in the store. */
  readonly pull?: boolean;
  /** Default: one that keeps the image in the store. */
  readonly outputs?: readonly OutputSpec[];
  /** Push every tag when built. */
  readonly push?: boolean;
  /** Store directory; default `TSBUILD_ROOT`, `/var/lib/tsbuild` or `$XDG_DATA_HOME/tsbuild`. */
  readonly root?: string;
  readonly onProgress?: ProgressSink;
  readonly signal?: AbortSignal;
}

/** `-o type=…,dest=…`. `dest` `-` is standard output. */
export type OutputSpec =
  | { readonly type: 'image'; readonly name?: string; readonly push?: boolean }
  | {
      readonly type: 'oci' | 'docker';
      readonly dest?: string;
      readonly compression?: Compression;
      readonly tar?: boolean;
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
  /** Path of the whole log. */
  readonly logPath: string;
}
