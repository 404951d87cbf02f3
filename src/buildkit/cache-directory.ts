import { type Digest, digestOf } from '../oci/index.ts';
import { fileDigest } from './file.ts';
import { contentRecord, given, goJson, recordDigest } from './form.ts';
import { idForm } from './owner.ts';

/** An input that only BuildKit has, and that is known without looking. */
export interface FixedInput {
  readonly record: Digest;
  readonly content: Digest;
}

/**
 * What a cache with an owner or a mode starts as: to BuildKit it is the directory `/cache` of a step of its own that makes it on
 * nothing (frontend/dockerfile/dockerfile2llb/convert_runmount.go).
 */
export function cacheDirectory(mode: number, uid: number, gid: number): FixedInput {
  const owner = { user: idForm(uid), group: idForm(gid) };
  const action = goJson({ path: '/cache', mode: given(mode & 0o777), owner, timestamp: -1 });
  const header = `namemode${mode & 0o777}uid${uid}gid${gid}size0typeflag5linknameunamegnamedevmajor0devminor0`;
  return {
    record: recordDigest(fileDigest([action], [[-1, -1, 0]]), 0),
    content: contentRecord([digestOf(`\0${digestOf(header)}`)]),
  };
}
