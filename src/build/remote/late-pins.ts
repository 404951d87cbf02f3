import type { BuildRequest } from '../../build-types.ts';
import { createPins, type Lockfile, type Pins } from '../../lockfile/index.ts';
import type { MainContext } from '../context/main.ts';
import type { DockerfileInput } from '../inputs.ts';
import { readLock } from './lock-path.ts';
import { contextNames } from './missing.ts';

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

/** A lock file whose pins the sources have; `shown` is what messages call it. */
export interface BoundLock {
  readonly lock: Lockfile;
  readonly shown: string;
}

/** Reads the lock file beside the Dockerfile, and gives its pins to the sources. */
export function bindLock(
  pins: LatePins,
  request: BuildRequest,
  dockerfile: DockerfileInput,
  main: MainContext,
): BoundLock {
  const { lock, shown } = readLock(request, dockerfile, main);
  // The context is named by the command line, and holds the lock file.
  pins.bind(lock, { path: shown, strict: true, except: contextNames(main) });
  return { lock, shown };
}
