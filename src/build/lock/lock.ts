import { existsSync } from 'node:fs';
import { createLimiter } from '../../content/limiter.ts';
import type { ConvertResult, MetaResolver } from '../../dockerfile/convert/index.ts';
import { findFrontend, parseDockerfile } from '../../dockerfile/parser/index.ts';
import { diffLocks, formatLock, gitName, type Lockfile, type Pins, urlName } from '../../lockfile/index.ts';
import { formatPlatform, type Platform } from '../../oci/index.ts';
import { toLayouts } from '../context/contexts.ts';
import { convertDockerfile } from '../convert.ts';
import { locateError, privilegeMissing } from '../errors.ts';
import { runPhase } from '../phases.ts';
import { lockPlaceUnknown } from '../remote/errors.ts';
import { listSourceInputs } from '../remote/lock-names.ts';
import { findLockPath, readLockFile } from '../remote/lock-path.ts';
import { createShownMetaResolver } from '../solve.ts';
import { findDecidingArgs } from './args.ts';
import { createDraft, type LockDraft } from './draft.ts';
import { fetchLocked } from './fetch.ts';
import { type LockPlaces, lockConversion, settleRequest, withLockPlaces } from './places.ts';
import type { LockRequest, LockResult } from './types.ts';
import { dropUpdated } from './update.ts';
import { writeLock } from './write.ts';

/**
 * `tsbuild lock`: looks up every image, file of the web and ref of a repository that a Dockerfile names without pinning it, and writes what they
 * are now to the lock file. What the file has already stays, unless it is to be updated; what nothing names any more goes. Throws what a build
 * would, `LOCK_INVALID`, `LOCK_VERSION`, `LOCK_UNREADABLE`, `FILE_UNWRITABLE`.
 */
export async function lockDockerfile(given: LockRequest): Promise<LockResult> {
  const draft = createDraft();
  let kept: Pick<Lockfile, 'images' | 'urls' | 'git'> = { images: new Map(), urls: new Map(), git: new Map() };
  // What was found once holds for the rest of the run, whatever a registry says a second later.
  const pins: Pins = {
    image: (reference) => draft.images.get(reference) ?? kept.images.get(reference),
    url: (url) => draft.urls.get(urlName(url)) ?? kept.urls.get(urlName(url)),
    git: (remote, ref) => draft.git.get(gitName(remote, ref)) ?? kept.git.get(gitName(remote, ref)),
  };
  return await withLockPlaces(given, pins, async (opened) => {
    const { places, dockerfile } = opened;
    const path = findLockPath(given, dockerfile, places.main);
    if (path === undefined && given.write !== false) throw lockPlaceUnknown(dockerfile.fileName);
    const before = path !== undefined && existsSync(path) ? readLockFile(path) : undefined;
    kept = dropUpdated(before ?? kept, given, path ?? dockerfile.fileName);
    const { request, platforms } = settleRequest(given, before);
    const { workspace } = await places.open();
    // A digest is never asked for what it is: what is kept costs no look-up.
    const policy = { pull: given.offline ? 'missing' : 'always' } as const;
    const inner = createShownMetaResolver(workspace, toLayouts(places.named), places.sink, policy, pins);
    const converted: ConvertResult[] = [];
    for (const platform of platforms) {
      const meta = recordImages(draft, inner);
      const result = await convertDockerfile(lockConversion(opened, request, platform, meta));
      converted.push(result);
      await lockSources(opened, draft, result);
    }
    if (given.fetch) await fetchLocked(opened, draft, converted);
    const frontend = findFrontend(dockerfile.text, parseDockerfile(dockerfile.text).ast.directives, {});
    const lock: Lockfile = {
      ...(frontend === undefined ? {} : { syntax: frontend.image }),
      ...(request.target === undefined ? {} : { target: request.target }),
      args: await findDecidingArgs(opened, request, platforms, inner, draft),
      platforms: platforms.map(formatPlatform),
      images: draft.images,
      urls: draft.urls,
      git: draft.git,
    };
    const text = formatLock(lock);
    if (path !== undefined && given.write !== false) writeLock(path, text);
    return {
      ...(path === undefined ? {} : { path }),
      text,
      changes: diffLocks(before, lock),
      counts: { images: lock.images.size, urls: lock.urls.size, git: lock.git.size },
    };
  });
}

/** Notes what each image was found to be. An index is the same for all platforms: each is seen to be in it. */
function recordImages(draft: LockDraft, inner: MetaResolver): MetaResolver {
  const record = (
    reference: string,
    platform: Platform,
    found: { digest: `${string}:${string}`; mediaType: string },
  ) => {
    const known = draft.images.get(reference);
    const platforms = [...new Set([...(known?.platforms ?? []), formatPlatform(platform)])];
    draft.images.set(reference, { digest: found.digest, mediaType: found.mediaType, platforms });
  };
  return {
    async resolveImageConfig(reference, platform, options) {
      const found = await inner.resolveImageConfig(reference, platform, options);
      draft.seen.set(`${reference} ${formatPlatform(platform)}`, { reference: found.reference, platform });
      if (!reference.includes('@')) record(reference, platform, found);
      return found;
    },
    resolveLayoutConfig: (name, platform, options) => inner.resolveLayoutConfig(name, platform, options),
  };
}

/** Looks at the files of the web and the refs that a conversion names, each as a step. */
async function lockSources(
  { places, dockerfile, except, signal }: LockPlaces,
  draft: LockDraft,
  converted: ConvertResult,
): Promise<void> {
  const { engine } = await places.open();
  const inputs = await listSourceInputs(converted, except);
  const fresh = inputs.filter(({ name }) => !draft.urls.has(name) && !draft.git.has(name));
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0 && fresh.some(({ kind }) => kind === 'urls')) throw privilegeMissing(uid, 'keeping downloads');
  const transfers = createLimiter(MAX_PARALLEL);
  // One look for all the ways in which the same thing is read.
  const once = [...new Map(fresh.map((input) => [input.name, input])).values()];
  const lock = async ({ name, source, range }: (typeof once)[number]): Promise<void> => {
    const work = runPhase(places.sink, `[internal] lock ${name}`, (reporter) =>
      engine.resolveSource(source.op, {
        signal,
        onTask: (...task) => reporter.task(...task),
        onLog: (data) => reporter.log(2, data),
      }),
    );
    const { pin } = await work.catch((error: unknown) => {
      signal.throwIfAborted();
      throw locateError(error, range, dockerfile);
    });
    if (pin?.kind === 'url') draft.urls.set(pin.name, pin.pin);
    if (pin?.kind === 'git') draft.git.set(pin.name, pin.pin);
  };
  await settleAll(once.map((input) => transfers.run(() => lock(input))));
}

const MAX_PARALLEL = 6;

/** Waits for all of them, so that none works on in a store that is closed; then the first that failed fails all. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(work);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
