// A process of its own that pulls an image, unpacks it, names it and saves it; for tests of several at once.
import { PassThrough } from 'node:stream';
import { hostPlatform } from '../../src/oci/index.ts';
import { openRoomAt } from './room.ts';

const [root = '', name = '', rounds = '1'] = process.argv.slice(2);
const room = await openRoomAt(root, root);
for (let round = 0; round < Number(rounds); round++) {
  const image = await room.images.resolve(name, { platform: hostPlatform(), pull: 'always' });
  await room.images.unpack(image, {});
  await room.images.pullImage(name, {});
  const own = `own-${process.pid}:${round}`;
  await room.images.tagImage(name, own);
  await room.images.saveImages([own], new PassThrough().resume());
  await room.images.removeImage(own);
}
process.stdout.write('done\n');
await room.close();
