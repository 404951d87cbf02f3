import type { ImageContext } from '../context.ts';
import { refuseDigest } from '../errors.ts';
import type { ImageRecord } from '../types.ts';
import { requireImage } from './find.ts';
import { fullName } from './names.ts';

/** `docker tag`: one more name for an image. */
export async function tagImage(
  context: Pick<ImageContext, 'records'>,
  source: string,
  name: string,
): Promise<ImageRecord> {
  const { record } = requireImage(context.records, source);
  if (name.includes('@')) throw refuseDigest(name);
  const [made] = await context.records.assign([fullName(name)], record.target, record.imageID);
  return made ?? record;
}
