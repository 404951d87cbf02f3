import { type Digest, digestOf } from '../oci/index.ts';
import { fileDigest } from './file.ts';
import { contentRecord, given, goJson, recordDigest } from './form.ts';
import { idForm } from './owner.ts';

/** A step that only BuildKit has: what it makes is known without looking. */
export interface CacheDirectory {
  /** Where it is in the tree on which it is made. */
  readonly path: string;
  readonly record: Digest;
  /** Of the directory, where it was not there before. */
  readonly content: Digest;
}

const PATH = '/cache';

/**
 * What a cache with an owner or a mode starts as: to BuildKit it is the directory `/cache` of a step of its own, which makes it on
 * nothing, or on the tree that `from` names (frontend/dockerfile/dockerfile2llb/convert_runmount.go).
 */
export function cacheDirectory(
  { mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number },
  on: 'nothing' | 'tree',
): CacheDirectory {
  const owner = { user: idForm(uid), group: idForm(gid) };
  const action = goJson({ path: PATH, mode: given(mode & 0o777), owner, timestamp: -1 });
  const header = `namemode${mode & 0o777}uid${uid}gid${gid}size0typeflag5linknameunamegnamedevmajor0devminor0`;
  return {
    path: PATH,
    record: recordDigest(fileDigest([action], [[on === 'nothing' ? -1 : 0, -1, 0]]), 0),
    content: contentRecord([digestOf(`\0${digestOf(header)}`)]),
  };
}
