import type { ImageInspection } from '../../images/types.ts';
import { Nil } from './go-print.ts';

const TEXTS = ['User', 'WorkingDir', 'StopSignal', 'Hostname', 'Domainname', 'Image'];
const LISTS = ['Env', 'Entrypoint', 'Cmd', 'OnBuild', 'Shell'];
const MAPS = ['Labels', 'Volumes', 'ExposedPorts'];

/** An inspected image as templates see it: what its config does not say is there and empty, as in docker's structures. */
export function inspectionFields(image: ImageInspection): object {
  const defaults = Object.fromEntries([
    ...TEXTS.map((name) => [name, '']),
    ...LISTS.map((name) => [name, new Nil('list')]),
    ...MAPS.map((name) => [name, new Nil('map')]),
    ['Healthcheck', new Nil('map')],
    ['ArgsEscaped', false],
  ]);
  const config = Object.fromEntries(Object.entries(image.Config).filter(([, value]) => value !== null));
  return { Variant: '', OsVersion: '', ...image, Config: { ...defaults, ...config } };
}
