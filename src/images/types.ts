import type { Readable, Writable } from 'node:stream';
import type { PullPolicy } from '../build-types.ts';
import type { Fetcher, LayerBlob, TransferOptions } from '../content/index.ts';
import type { LayersResult, TreeResult } from '../llb/results.ts';
import type {
  Compression,
  ContainerConfig,
  Descriptor,
  Digest,
  HistoryEntry,
  ImageConfig,
  Manifest,
  Platform,
} from '../oci/index.ts';
import type { RegistryRepository } from '../registry/types.ts';

/**
 * The images of a store. A name points to a *target*: a manifest or an index (pulled, loaded, pushed or exported), or
 * only a config — a built image whose layers so far exist as snapshots and are packed into blobs when somebody wants them
 * (`materialize`). The image ID is the config's digest either way, as in docker.
 */
export interface ImageRecord {
  /**
   * Full reference: `docker.io/library/app:1`; `docker.io/library/app@sha256:…` for the digest under which a repository of a
   * registry has it; `<none>@sha256:…` (the image ID) for an image that lost its last name.
   */
  readonly name: string;
  readonly target: Descriptor;
  /** Config digest; of an index, that of the host's platform or of the first that the store has. */
  readonly imageID: Digest;
  /** When the name was given. */
  readonly createdMs: number;
}

/** One platform's image, its metadata at hand; its layers perhaps still in a registry. */
export interface ResolvedImage {
  /** Full reference with digest: `docker.io/library/busybox:1@sha256:…`. */
  readonly reference: string;
  /** What the reference names: a manifest, an index, or a config (see ImageRecord). */
  readonly target: Descriptor;
  /** Absent for a built image that was never materialized. */
  readonly manifest?: { readonly descriptor: Descriptor; readonly content: Manifest };
  readonly configDigest: Digest;
  readonly config: ImageConfig;
  readonly platform: Platform;
  /** Where its layers are, when that is no registry. */
  readonly origin?: Fetcher;
}

/** An image in a directory that is an OCI layout. */
export interface LayoutPlace {
  /** For messages and progress. */
  readonly name: string;
  readonly path: string;
  /** A tag or a digest; absent: the only image, or the one that is called latest. */
  readonly reference?: string;
}

export interface ResolveOptions {
  readonly platform: Platform;
  readonly pull: PullPolicy;
  readonly signal?: AbortSignal;
}

/** Reports a layer's download or unpacking: `id` is `sha256:…` or `extracting sha256:…`. */
export type TaskReporter = (id: string, current: number, total: number, completed?: boolean) => void;

export interface TaskOptions {
  readonly signal?: AbortSignal;
  readonly onTask?: TaskReporter;
}

/** What a build needs of images; implemented by `createImageStore`. */
export interface ImageSource {
  /** Metadata only: resolves the name, gets manifest and config, no layer. */
  resolve(reference: string, options: ResolveOptions): Promise<ResolvedImage>;
  /** Metadata only, from an OCI layout, which is not changed. */
  resolveLayout(place: LayoutPlace, options: Omit<ResolveOptions, 'pull'>): Promise<ResolvedImage>;
  /**
   * Makes the image's layers available as snapshots, downloading and unpacking what is missing, all in parallel, and
   * gives the name of the topmost one; `undefined` for an image without layers.
   */
  unpack(image: ResolvedImage, options: TaskOptions): Promise<string | undefined>;
  /** Whether `unpack` would download nothing. */
  hasLayers(image: ResolvedImage): boolean;
  /** The image's tree as it is known: where its layers are not unpacked they stay where they are until somebody looks into it. */
  treeOf(image: ResolvedImage, options: TaskOptions): Promise<TreeResult>;
}

/** Trees as steps and exporters ask for them. What a cache has lost is a `CACHE_LAYER_LOST`. */
export interface Trees {
  /** The tree's snapshot, fetched and unpacked where it is not here; `undefined` is the empty one. */
  snapshotOf(tree: TreeResult, options: TaskOptions): Promise<string | undefined>;
  /** Gets the blobs of layers that are not here: of all, or of those that are in no repository from where others could get them. */
  fetch(tree: TreeResult, scope: 'all' | 'unreachable', options: TaskOptions): Promise<void>;
  /** Throws `CACHE_LAYER_LOST` where `error`, of a transfer, says that a blob of the tree is not where its cache has it. */
  checkLost(tree: TreeResult, error: unknown, signal: AbortSignal | undefined): void;
}

/** Everything that is done with the images of a store. `reference` is a name, an image ID or the beginning of one. */
export interface ImageStore extends ImageSource {
  /** `unpack` for layers that are known from elsewhere. */
  unpackLayers(tree: LayersResult, options: TaskOptions): Promise<string>;
  /** The snapshot of layers that are known from elsewhere, if they are unpacked already. */
  findUnpacked(tree: LayersResult): Promise<string | undefined>;
  /** Gets the blobs of those layers that have neither a snapshot nor a blob here. Nothing is unpacked. */
  fetchLayers(tree: LayersResult, options: TaskOptions): Promise<void>;
  /** Gets a name's manifest (of an index, those of the wanted platforms), config and layers, and records the name. */
  pullImage(reference: string, options: PullOptions): Promise<PulledImage>;
  /** Packs what is not packed yet, then copies the image to the repository that its name says. Throws `IMAGE_NOT_FOUND`. */
  pushImage(reference: string, options?: PushOptions): Promise<PushedImage>;
  /**
   * Makes a manifest for a record that points to a bare config, packing missing layers in parallel. Equal images give equal
   * manifests. The record, and all others of the same image, then point to the manifest. A record that has one is returned as it is.
   */
  materialize(record: ImageRecord, options?: MaterializeOptions): Promise<ImageRecord>;
  /** The manifest of a bare config, as for `materialize`, without any record. */
  packImage(config: Descriptor, options?: PackImageOptions): Promise<Descriptor>;
  /** Packs a snapshot's layer, be its diffID known or not: one pass over the files gives both. */
  packSnapshot(snapshot: string, options?: MaterializeOptions): Promise<PackedSnapshot>;
  /** Notes that a repository has these blobs: they can be got there, and mounted from it. */
  recordSources(
    digests: readonly Digest[],
    repository: { readonly domain: string; readonly path: string },
  ): Promise<void>;
  /** A packed form that a layer has, in the store or in a repository; of that compression where one is given. */
  findLayerBlob(diffID: Digest, compression?: Compression): Promise<LayerBlob | undefined>;
  /** A stream of a blob, from the store or from a repository that has it; throws `CONTENT_NOT_FOUND`. */
  openBlob(descriptor: Descriptor, options?: TransferOptions): Promise<Readable>;
  /** Copies a graph to a repository: blobs that another repository of that registry is known to have are mounted. */
  sendGraph(
    source: Fetcher,
    repository: RegistryRepository,
    root: Descriptor,
    options: TaskOptions & { readonly tag?: string | undefined },
  ): Promise<void>;
  /** Packs all that leads from the snapshot `base` (`undefined`: from nothing) to `snapshot` as one layer. */
  packSquashed(snapshot: string, base: string | undefined, options?: MaterializeOptions): Promise<PackedSnapshot>;
  /**
   * Gives an image its names (familiar or full, tag `latest` where there is none). An image that loses its last name to it stays
   * as a dangling one. With no names the image itself is dangling.
   */
  recordImage(target: Descriptor, names: readonly string[]): Promise<readonly ImageRecord[]>;
  /** What a name, image ID or ID prefix means; `undefined` when nothing. Throws `IMAGE_AMBIGUOUS` for a prefix of several. */
  findImage(reference: string): Promise<ImageRecord | undefined>;
  /** `docker tag`. Throws `IMAGE_NOT_FOUND`. */
  tagImage(source: string, name: string): Promise<ImageRecord>;
  /** `docker rmi`: untags, and deletes the image with its last name. Throws `IMAGE_NOT_FOUND`, `IMAGE_IN_USE`. */
  removeImage(reference: string, options?: { readonly force?: boolean }): Promise<readonly RemovedItem[]>;
  /** `docker image prune`: removes dangling images; with `all` every image. */
  pruneImages(options?: PruneImagesOptions): Promise<readonly RemovedItem[]>;
  /** `docker images`, newest first. */
  listImages(options?: ListOptions): Promise<readonly ImageSummary[]>;
  /** `docker image inspect`. Throws `IMAGE_NOT_FOUND`. */
  inspectImage(reference: string, platform?: Platform): Promise<ImageInspection>;
  /** `docker history`, newest entry first. Throws `IMAGE_NOT_FOUND`. */
  imageHistory(reference: string, platform?: Platform): Promise<readonly HistoryRow[]>;
  /** Writes images as one archive; `output` is not ended. Throws `IMAGE_NOT_FOUND`. */
  saveImages(references: readonly string[], output: Writable, options?: SaveOptions): Promise<void>;
  /** Writes manifests and indexes, with all that they reach, as one archive. `output` is not ended. */
  writeArchive(
    images: readonly ArchiveImage[],
    output: Writable,
    options: TaskOptions & { readonly format: 'docker' | 'oci' },
  ): Promise<void>;
  /** Copies manifests and indexes, with all that they reach, into the OCI layout `directory`, made when missing. */
  writeLayout(images: readonly ArchiveImage[], directory: string, options?: TaskOptions): Promise<void>;
  /** Reads an archive of any kind that docker, skopeo, podman or tsbuild write. Throws `ARCHIVE_INVALID`. */
  loadImages(input: Readable, options?: TaskOptions): Promise<readonly LoadedImage[]>;
  /**
   * Removes the blobs and pulled layers' snapshots that no image reaches and no other process holds; `undefined` when another
   * collection kept the store too long and nothing was done.
   */
  collectGarbage(): Promise<CollectedGarbage | undefined>;
}

export interface PullOptions extends TaskOptions {
  /** Default: this machine's. */
  readonly platform?: Platform;
  readonly allPlatforms?: boolean;
}

export interface PulledImage {
  /** Full reference without digest, as recorded. */
  readonly name: string;
  /** What the name points to in the registry. */
  readonly descriptor: Descriptor;
  /** Nothing was to be downloaded: the name already meant this. */
  readonly upToDate: boolean;
  /** Absent when several platforms were pulled. */
  readonly imageID?: Digest;
}

export interface PushOptions extends TaskOptions {
  /** Push as another name than the image's own. */
  readonly as?: string;
  readonly compression?: Compression;
  /** Of an index, only this platform's manifest. */
  readonly platform?: Platform;
}

export interface PushedImage {
  /** Full reference: where it went. */
  readonly name: string;
  readonly descriptor: Descriptor;
}

export interface MaterializeOptions extends TaskOptions {
  /** Of the layers that have no blob yet; default gzip. Layers that have one keep it. */
  readonly compression?: Compression;
  /** Default: the compression's own. */
  readonly level?: number;
}

export interface PackImageOptions extends MaterializeOptions {
  /** Blobs of layers that are not here, by diffID: as the layers' own place lists them. They stand in this manifest only. */
  readonly listed?: ReadonlyMap<Digest, Descriptor>;
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PackedSnapshot {
  readonly diffID: Digest;
  readonly blob: LayerBlob;
}

export type RemovedItem =
  /** `name` as docker shows it. */
  | { readonly type: 'untagged'; readonly name: string }
  /** Digest of an image (its ID) or of a layer's chain. */
  | { readonly type: 'deleted'; readonly digest: Digest };

/** Which images go. */
export interface PruneImagesOptions {
  /** Those with names too. */
  readonly all?: boolean;
  /** Only those that have all of these labels, each `key` or `key=value`. */
  readonly label?: readonly string[];
  /** Not those that have all of these. */
  readonly notLabel?: readonly string[];
  /** Only those whose config says that they were made before. */
  readonly createdBeforeMs?: number;
}

export interface ListOptions {
  readonly filters?: ListFilters;
  /** Rows of `--digests`: one for each digest of a tag, and those that have a digest only. */
  readonly digests?: boolean;
}

/** Docker's filters; several of one kind: any of `reference`, all of `label`. */
export interface ListFilters {
  /** Patterns by Go's path.Match on the familiar name with or without tag. */
  readonly reference?: readonly string[];
  readonly dangling?: boolean;
  /** `key` or `key=value`. */
  readonly label?: readonly string[];
  /** Images created before (since) this one. */
  readonly before?: string;
  readonly since?: string;
}

/** A row of `docker images`. */
export interface ImageSummary {
  readonly imageID: Digest;
  /** Familiar repository; `<none>` where there is none. */
  readonly repository: string;
  readonly tag: string;
  /** `<none>` where unknown. */
  readonly digest: string;
  /** From the config; `undefined` where it does not say. */
  readonly createdMs: number | undefined;
  /** Bytes of the unpacked layers where known, of their blobs otherwise. */
  readonly size: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly platform: Platform;
}

/** A config with the fields that docker always shows, said or not, so that templates find them. */
export type InspectedConfig = Omit<ContainerConfig, 'Env' | 'Volumes' | 'Labels'> & {
  readonly User: string;
  readonly WorkingDir: string;
  readonly Env: readonly string[] | null;
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly Volumes: Readonly<Record<string, object>> | null;
  readonly OnBuild: readonly string[] | null;
  readonly Labels: Readonly<Record<string, string>> | null;
};

/** The shape of docker's image inspect. */
export interface ImageInspection {
  readonly Id: Digest;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Parent: string;
  readonly Comment: string;
  readonly Created: string;
  readonly DockerVersion: string;
  readonly Author: string;
  readonly Config: InspectedConfig;
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Os: string;
  readonly OsVersion?: string;
  readonly Size: number;
  readonly VirtualSize: number;
  readonly GraphDriver: { readonly Name: string; readonly Data: Readonly<Record<string, string>> | null };
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly Digest[] };
  readonly Metadata: { readonly LastTagTime: string };
  /** What the name points to; not in docker's classic shape, as containerd's. */
  readonly Descriptor: Descriptor;
}

/** A row of `docker history`. */
export interface HistoryRow {
  /** The image ID in the newest row, `<missing>` in the others. */
  readonly id: string;
  readonly createdMs: number | undefined;
  readonly createdBy: string;
  readonly size: number;
  readonly comment: string;
  /** Names of the image, in the newest row only. */
  readonly tags: readonly string[];
  readonly entry: HistoryEntry;
}

export interface SaveOptions extends TaskOptions {
  /** `docker`: a docker-archive that is an OCI layout too. `oci`: the layout alone. */
  readonly format?: 'docker' | 'oci';
  /** Of an index, only this platform's manifest; `docker` archives always take one, by default this machine's. */
  readonly platform?: Platform;
  readonly compression?: Compression;
}

/** What is written into an archive or a layout. */
export interface ArchiveImage {
  readonly descriptor: Descriptor;
  /** Full names. */
  readonly names: readonly string[];
}

export interface LoadedImage {
  readonly imageID: Digest;
  readonly descriptor: Descriptor;
  /** Full references; empty for one without names. */
  readonly names: readonly string[];
}

export interface CollectedGarbage {
  readonly blobs: readonly Digest[];
  /** ChainIDs. */
  readonly snapshots: readonly Digest[];
  readonly bytes: number;
}
