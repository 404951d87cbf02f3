import { createPins, type Lockfile, type Pins } from '../../lockfile/index.ts';

/** Pins that are known once the Dockerfile is: what is read before that is named by the command line, and not pinned. */
export interface LatePins extends Pins {
  bind(lock: Lockfile, options: Parameters<typeof createPins>[1]): void;
}

export function createLatePins(): LatePins {
  let pins: Pins | undefined;
  return {
    bind(lock, options) {
      pins = createPins(lock, options);
    },
    image: (reference) => pins?.image(reference),
    url: (url) => pins?.url(url),
    git: (remote, ref) => pins?.git(remote, ref),
  };
}
