export { diffLocks, findDrift, KINDS, type LockChange, type LockEntry, type LockNames } from './compare.ts';
export { lockMismatch, lockUnavailable, lockUnreadable } from './errors.ts';
export { formatLock } from './format.ts';
export { gitName, urlName } from './names.ts';
export { MAX_LOCK_BYTES, parseLock } from './parse.ts';
export { createPins } from './pins.ts';
export type { GitPin, ImagePin, Lockfile, Pins, UrlPin } from './types.ts';
