import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type ContainerConfig,
  type Descriptor,
  digestOf,
  hostPlatform,
  type ImageConfig,
  MediaType,
} from '../../src/oci/index.ts';
import { exec } from './exec.ts';

/** Writes an OCI image layout in `layout`, of one layer that holds the tree `root`, under the tag `tag`. */
export async function writeLayout(layout: string, root: string, config: ContainerConfig, tag: string): Promise<void> {
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const tarPath = join(layout, 'layer.tar');
  // The format keeps what an image may hold; sorted names and one time make equal trees equal layers.
  await exec('tar', [
    '--create',
    '--file',
    tarPath,
    '--directory',
    root,
    '--format=posix',
    '--numeric-owner',
    '--sort=name',
    '--mtime=@1700000000',
    '--pax-option=delete=atime,delete=ctime',
    '--xattrs',
    '--xattrs-include=*',
    '.',
  ]);
  const layer = readFileSync(tarPath);
  rmSync(tarPath);
  const created = '2023-11-14T22:13:20Z';
  const imageConfig: ImageConfig = {
    ...hostPlatform(),
    created,
    config,
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created, created_by: `base ${tag}` }],
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: addBlob(layout, MediaType.ociConfig, Buffer.from(JSON.stringify(imageConfig))),
    layers: [addBlob(layout, MediaType.ociLayerGzip, gzipSync(layer, { level: 1 }))],
  };
  const descriptor = addBlob(layout, MediaType.ociManifest, Buffer.from(JSON.stringify(manifest)));
  const index = {
    schemaVersion: 2,
    manifests: [{ ...descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } }],
  };
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index));
}

/** Makes a folder with all its content or not at all: `fill` works in a temporary folder that is renamed at the end. */
export async function makeAtomically(path: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    await fill(partial);
    renameSync(partial, path);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function addBlob(layout: string, mediaType: string, content: Buffer): Descriptor {
  const digest = digestOf(content);
  writeFileSync(join(layout, 'blobs', digest.replace(':', '/')), content);
  return { mediaType, digest, size: content.length };
}
