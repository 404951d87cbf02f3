import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { NativeApi } from '../native/types.ts';
import { buildAmbiguous, buildIncomplete, buildNotFound, buildNotRemoved, buildRunning } from './errors.ts';
import { explainRecord } from './explain.ts';
import { openLog } from './log-file.ts';
import { buildLogPath } from './paths.ts';
import { findStatus, type HistoryPaths, isRunning, listBuildIds, readPlan, readRecord, readSteps } from './read.ts';
import type { Explanation } from './reason-types.ts';
import { measureBuild, removeBuild } from './retention.ts';
import type { BuildRecord, RecordedStep } from './types.ts';

/** The builds of a store. References are ids, what they or their second halves begin with, `^0` for the last that ended, `^1` … */
export interface BuildHistory {
  /** The newest first. What is no record is left out. */
  list(): Promise<readonly BuildRecord[]>;
  /** Throws `BUILD_NOT_FOUND`, `BUILD_AMBIGUOUS`, as all that take a reference. */
  inspect(reference: string): Promise<BuildInspection>;
  /** Throws `BUILD_INCOMPLETE`. */
  explain(reference: string): Promise<Explanation>;
  /** The whole log so far. Throws `BUILD_INCOMPLETE` where it is gone, or no file. */
  readLog(reference: string): Promise<{ readonly id: string; readonly log: Readable }>;
  /** Throws `BUILD_RUNNING`. */
  remove(reference: string): Promise<string>;
  /** Bytes of record and log of each build. */
  measure(): readonly { readonly id: string; readonly bytes: number }[];
}

export interface BuildInspection {
  readonly record: BuildRecord;
  readonly steps: readonly RecordedStep[];
  /** Of the Dockerfile, where it is known. */
  readonly dockerfileText?: string;
  readonly logPath: string;
}

export function createBuildHistory(paths: HistoryPaths, native: Pick<NativeApi, 'lockFile'>): BuildHistory {
  const load = async (id: string): Promise<BuildRecord | undefined> => {
    const record = readRecord(paths, id);
    return record && { ...record, status: await findStatus(paths, record, native) };
  };
  const list = async (): Promise<readonly BuildRecord[]> => {
    const records = await Promise.all(listBuildIds(paths).map(load));
    return records.filter((record) => record !== undefined);
  };
  const find = async (reference: string): Promise<BuildRecord> => {
    const records = await list();
    const found = chooseRecord(records, reference);
    if (found === undefined) throw buildNotFound(reference, records.length);
    return found;
  };
  return {
    list,

    async inspect(reference) {
      const record = await find(reference);
      const text = readPlan(paths, record)?.dockerfile.text;
      return {
        record,
        steps: readSteps(paths, record.id),
        ...(text === undefined ? {} : { dockerfileText: text }),
        logPath: buildLogPath(paths, record.id),
      };
    },

    async explain(reference) {
      const record = await find(reference);
      const explanation = explainRecord(paths, record, listBuildIds(paths));
      if (explanation === undefined) throw buildIncomplete(record.id, record.status);
      return explanation;
    },

    async readLog(reference) {
      const { id } = await find(reference);
      const path = buildLogPath(paths, id);
      return { id, log: createReadStream(path, { fd: openLog(id, path).fd }) };
    },

    async remove(reference) {
      const { id } = await find(reference);
      const isRemoved = await removeWhole(paths, id, native).catch((error: unknown) => {
        throw buildNotRemoved(id, error);
      });
      if (!isRemoved) throw buildRunning(id);
      return id;
    },

    measure: () => listBuildIds(paths).map((id) => ({ id, bytes: measureBuild(paths, id) })),
  };
}

async function removeWhole(paths: HistoryPaths, id: string, native: Pick<NativeApi, 'lockFile'>): Promise<boolean> {
  return !(await isRunning(paths, id, native)) && (await removeBuild(paths, id, native));
}

/** Throws `BUILD_AMBIGUOUS`. */
function chooseRecord(records: readonly BuildRecord[], reference: string): BuildRecord | undefined {
  const offset = /^(?:\^(\d+))?$/.exec(reference);
  if (offset !== null) {
    const ended = records.filter(({ status }) => status !== 'running');
    return (reference === '' && ended.length === 0 ? records : ended)[Number(offset[1] ?? 0)];
  }
  const exact = records.find(({ id }) => id === reference);
  if (exact !== undefined) return exact;
  const matches = records.filter(
    ({ id }) => id.startsWith(reference) || id.slice(id.indexOf('-') + 1).startsWith(reference),
  );
  if (matches.length > 1)
    throw buildAmbiguous(
      reference,
      matches.map(({ id }) => id),
    );
  return matches[0];
}
