import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ContainerConfig, ImageConfig } from '../../src/oci/index.ts';
import { readTar, type TarEntry, type TarType } from './tar-reader.ts';

/** One file of an image, as a container of the image would see it. */
export interface TreeEntry {
  readonly type: Exclude<TarType, 'hardlink'>;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly size: number;
  readonly sha256: string;
  readonly linkname: string;
  readonly rdev: string | undefined;
  readonly xattrs: Readonly<Record<string, string>>;
  /** The first path, in order of names, of the files that share this inode; `undefined` for a file of one name. */
  readonly hardlinks: string | undefined;
}

/** Paths are absolute without the leading slash; the root itself is `.`. */
export type Tree = ReadonlyMap<string, TreeEntry>;

export interface ImageContent {
  readonly tree: Tree;
  readonly config: ImageConfig;
  /** Entries of each layer as written, bottom first: whiteouts included. */
  readonly layers: readonly (readonly string[])[];
}

/** A file while layers are stacked: names that share an inode share this object. */
type Inode = Omit<TreeEntry, 'hardlinks'>;

/** Reads an image of an OCI layout (folder or tar) or of a docker-archive, the only one or the one tagged `tag`. */
export function readImage(path: string, tag?: string): ImageContent {
  const read = statSync(path).isDirectory() ? folderReader(path) : archiveReader(readFileSync(path));
  const { config, layers } =
    read.has('manifest.json') && !read.has('index.json') ? dockerParts(read) : ociParts(read, tag);
  const inodes = new Map<string, Inode>();
  const names: string[][] = [];
  for (const layer of layers) names.push(applyLayer(inodes, layer));
  return { tree: toTree(inodes), config, layers: names };
}

interface ArchiveReader {
  has(name: string): boolean;
  get(name: string): Buffer;
}

interface ImageParts {
  readonly config: ImageConfig;
  readonly layers: readonly Buffer[];
}

function folderReader(root: string): ArchiveReader {
  return { has: (name) => existsSync(join(root, name)), get: (name) => readFileSync(join(root, name)) };
}

function archiveReader(tar: Buffer): ArchiveReader {
  const files = new Map<string, Buffer>();
  for (const entry of readTar(maybeGunzip(tar))) {
    if (entry.type === 'file') files.set(entry.name, entry.content);
    // docker save writes a layer that two images share once.
    if (entry.type === 'hardlink') files.set(entry.name, files.get(entry.linkname) ?? Buffer.alloc(0));
    if (entry.type === 'symlink')
      files.set(entry.name, files.get(join(entry.name, '..', entry.linkname)) ?? Buffer.alloc(0));
  }
  return {
    has: (name) => files.has(name),
    get: (name) => {
      const content = files.get(name);
      if (content === undefined) throw new Error(`the archive has no ${name}`);
      return content;
    },
  };
}

function dockerParts(read: ArchiveReader): ImageParts {
  const [image] = JSON.parse(read.get('manifest.json').toString()) as { Config: string; Layers: string[] }[];
  if (image === undefined) throw new Error('manifest.json is empty');
  return {
    config: JSON.parse(read.get(image.Config).toString()) as ImageConfig,
    layers: image.Layers.map((layer) => maybeGunzip(read.get(layer))),
  };
}

interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function ociParts(read: ArchiveReader, tag: string | undefined): ImageParts {
  const blob = (descriptor: OciDescriptor): Buffer => {
    const content = read.get(`blobs/${descriptor.digest.replace(':', '/')}`);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    if (digest !== descriptor.digest) throw new Error(`blob ${descriptor.digest} has digest ${digest}`);
    return content;
  };
  let { manifests } = JSON.parse(read.get('index.json').toString()) as { manifests: OciDescriptor[] };
  if (tag !== undefined)
    manifests = manifests.filter((item) => item.annotations?.['org.opencontainers.image.ref.name'] === tag);
  let descriptor = manifests[0];
  while (descriptor !== undefined && /index|manifest\.list/.test(descriptor.mediaType))
    descriptor = (JSON.parse(blob(descriptor).toString()) as { manifests: OciDescriptor[] }).manifests[0];
  if (descriptor === undefined) throw new Error(`the layout has no image${tag === undefined ? '' : ` ${tag}`}`);
  const manifest = JSON.parse(blob(descriptor).toString()) as { config: OciDescriptor; layers: OciDescriptor[] };
  const config = JSON.parse(blob(manifest.config).toString()) as ImageConfig;
  const layers = manifest.layers.map((layer) => maybeGunzip(blob(layer)));
  layers.forEach((layer, i) => {
    const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
    if (digest !== config.rootfs.diff_ids[i])
      throw new Error(`layer ${i} has diffID ${digest}, the config says otherwise`);
  });
  return { config, layers };
}

function maybeGunzip(content: Buffer): Buffer {
  return content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
}

/** Applies a layer's changeset (image-spec layer.md) and returns its entries' names. */
function applyLayer(inodes: Map<string, Inode>, layer: Buffer): string[] {
  const names: string[] = [];
  const added = new Set<string>();
  for (const entry of readTar(layer)) {
    names.push(entry.name);
    const path = normalize(entry.name);
    const slash = path.lastIndexOf('/');
    const [parent, base] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
    if (base === '.wh..wh..opq') removeBelow(inodes, parent, added);
    else if (base.startsWith('.wh.')) {
      const victim = join(parent, base.slice(4));
      if (!added.has(victim)) inodes.delete(victim);
      removeBelow(inodes, victim, added);
    } else {
      const old = inodes.get(path);
      if (old !== undefined && !(old.type === 'directory' && entry.type === 'directory'))
        removeBelow(inodes, path, added);
      inodes.set(path, toInode(entry, inodes));
      added.add(path);
    }
  }
  return names;
}

/** A whiteout hides what lower layers have, never what its own layer adds, wherever it stands in the tar. */
function removeBelow(inodes: Map<string, Inode>, folder: string, added: ReadonlySet<string>): void {
  const prefix = folder === '' ? '' : `${folder}/`;
  for (const path of inodes.keys()) if (path.startsWith(prefix) && !added.has(path)) inodes.delete(path);
}

function normalize(name: string): string {
  const path = join('/', name).slice(1);
  return path === '' ? '.' : path;
}

function toInode(entry: TarEntry, inodes: ReadonlyMap<string, Inode>): Inode {
  if (entry.type === 'hardlink') {
    const target = inodes.get(normalize(entry.linkname));
    if (target === undefined) throw new Error(`${entry.name} is a hard link to ${entry.linkname}, which is not there`);
    return target;
  }
  return {
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    size: entry.content.length,
    sha256: entry.type === 'file' ? createHash('sha256').update(entry.content).digest('hex') : '',
    linkname: entry.type === 'symlink' ? entry.linkname : '',
    rdev: entry.rdev,
    xattrs: entry.xattrs,
  };
}

function toTree(inodes: ReadonlyMap<string, Inode>): Tree {
  const names = new Map<Inode, string[]>();
  const sorted = [...inodes].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, inode] of sorted) names.set(inode, [...(names.get(inode) ?? []), path]);
  return new Map(
    sorted.map(([path, inode]) => {
      const group = names.get(inode) ?? [];
      return [path, { ...inode, hardlinks: group.length > 1 ? group[0] : undefined }];
    }),
  );
}

/** The part of a config that says how to run the image and what it is, in one form for all builders. */
export function normalizeConfig(image: ImageConfig): Readonly<Record<string, unknown>> {
  const config: ContainerConfig = image.config ?? {};
  return dropEmpty({
    architecture: image.architecture,
    os: image.os,
    variant: image.variant,
    User: config.User,
    ExposedPorts: config.ExposedPorts,
    Env: config.Env,
    Entrypoint: config.Entrypoint,
    Cmd: config.Cmd,
    Volumes: config.Volumes,
    WorkingDir: config.WorkingDir,
    Labels: config.Labels,
    StopSignal: config.StopSignal,
    Healthcheck: config.Healthcheck,
    OnBuild: config.OnBuild,
    Shell: config.Shell,
  });
}

/** Builders differ in whether they write what is empty: absent, null, "", [] and {} all say nothing. */
function dropEmpty(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isEmpty = (item: unknown): boolean =>
    item === undefined || item === null || item === '' || (typeof item === 'object' && Object.keys(item).length === 0);
  return Object.fromEntries(Object.entries(value).filter(([, item]) => !isEmpty(item)));
}
