import { errorCode } from '../errors.ts';
import { compileFilters, type UsageFilters } from './filters.ts';
import { computeKeepBytes, type PruneRules } from './plan.ts';
import { type PruneResult, pruneByRules } from './prune.ts';
import { type CollectionSettings, EPHEMERAL, readDisk, readSettings } from './settings.ts';
import { surveyStore } from './survey.ts';
import { addToTotal, type RecordedTotal, readTotal, recordAging, recordTotal } from './totals.ts';
import type { UpkeepContext, UpkeepNative } from './types.ts';

/** Numbers that were only added up are measured anew after this. */
const MEASURE_EVERY_MS = 24 * 3_600_000;
/** So often it is looked for what nobody has used for long. */
const AGE_EVERY_MS = 24 * 3_600_000;

export interface CollectAfterBuild {
  /** Directories and files that the build has made in the store. */
  readonly made: readonly string[];
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Keeps the store within its limits, after a build that made something and beside others. What was made is measured; only when that says
 * so is the whole store looked at. `undefined`: nothing was to be done, or another does it.
 */
export async function collectAfterBuild(
  context: UpkeepContext,
  native: UpkeepNative,
  { made, signal, env }: CollectAfterBuild,
): Promise<PruneResult | undefined> {
  const { root } = context.store.paths;
  const settings = readSettings(root, env);
  if (!settings.enabled) return undefined;
  const { freeBytes } = readDisk(root);
  const total = await updateTotal(context, native, made, signal);
  const isOld = Date.now() - (total.agedMs ?? total.measuredMs) > AGE_EVERY_MS;
  const keep = computeKeepBytes(settings, total.bytes, freeBytes);
  if (!isOld && (keep === undefined || total.bytes <= keep)) return undefined;
  try {
    return await runPolicies(context, native, settings, signal);
  } catch (error) {
    // Another process is at it, or a build cannot write down what it uses: the next one will see.
    if (errorCode(error) === 'STORE_BUSY') return undefined;
    throw error;
  }
}

async function updateTotal(
  context: UpkeepContext,
  native: UpkeepNative,
  made: readonly string[],
  signal: AbortSignal,
): Promise<RecordedTotal> {
  const known = readTotal(context.store);
  if (known !== undefined && Date.now() - known.measuredMs < MEASURE_EVERY_MS) {
    const { bytes } = await native.measureTrees({ paths: made });
    const updated = await addToTotal(
      context.store,
      bytes.reduce((sum, each) => sum + each, 0),
    );
    if (updated !== undefined) return updated;
  }
  const { totalBytes } = await surveyStore(context, native, { signal });
  await recordTotal(context.store, totalBytes);
  return readTotal(context.store) ?? { bytes: totalBytes, measuredMs: Date.now() };
}

/** BuildKit's four, in its order: each only as far as those before it were not enough. */
async function runPolicies(
  context: UpkeepContext,
  native: UpkeepNative,
  settings: CollectionSettings,
  signal: AbortSignal,
): Promise<PruneResult> {
  const { maxUsedSpace, minFreeSpace, reservedSpace, keepDurationMs } = settings;
  // A little below, so that not every build at the limit has to look through the store.
  const limits = { maxUsedSpace: maxUsedSpace * 0.95, minFreeSpace, reservedSpace };
  const filters = compileFilters([]);
  const policies: readonly PruneRules[] = [
    {
      all: false,
      filters: EPHEMERAL_FILTERS,
      unusedForMs: EPHEMERAL.keepDurationMs,
      maxUsedSpace: EPHEMERAL.maxUsedSpace,
    },
    { all: false, filters, unusedForMs: keepDurationMs },
    { all: false, filters, ...limits },
    { all: true, filters, ...limits },
  ];
  const result = await pruneByRules(context, native, policies, { signal, waitMs: 0 });
  await recordAging(context.store);
  return result;
}

const EPHEMERAL_FILTERS: UsageFilters = {
  isEmpty: false,
  matches: ({ type }) => (EPHEMERAL.types as readonly string[]).includes(type),
};
