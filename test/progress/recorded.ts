import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDigest } from '../../src/oci/index.ts';
import type { SolveStatus } from '../../src/progress/events.ts';

const FOLDER = 'fixtures/progress';

/** An event and when it came, in milliseconds since the epoch. */
export interface Arrival {
  readonly status: SolveStatus;
  atMs: number;
}

export interface Recording {
  readonly name: string;
  readonly lines: readonly string[];
  readonly arrivals: readonly Arrival[];
}

/** The recorded builds, each a file of the lines that `--progress rawjson` prints. */
export function readRecordings(): Recording[] {
  return readdirSync(FOLDER).map((name) => {
    const lines = readFileSync(join(FOLDER, name, 'events.json'), 'utf8')
      .trimEnd()
      .split('\n');
    const arrivals = lines.map(parseArrival);
    // An event without a time comes with the one before it.
    let lastMs = arrivals.find(({ atMs }) => atMs > 0)?.atMs ?? 0;
    for (const arrival of arrivals) lastMs = arrival.atMs = Math.max(lastMs, arrival.atMs);
    return { name, lines, arrivals };
  });
}

/** Compares with the golden of that name; `UPDATE_GOLDENS=1` writes it instead. */
export function readGolden(recording: string, name: string, actual: Uint8Array): Buffer {
  const path = join(FOLDER, recording, name);
  if (process.env.UPDATE_GOLDENS || !existsSync(path)) {
    if (!process.env.UPDATE_GOLDENS) throw new Error(`${path} is missing; run with UPDATE_GOLDENS=1`);
    writeFileSync(path, actual);
  }
  return readFileSync(path);
}

interface RawStatus {
  vertexes?: RawVertex[];
  statuses?: {
    id: string;
    vertex: string;
    total?: number;
    current: number;
    timestamp: string;
    started?: string;
    completed?: string;
  }[];
  logs?: { vertex: string; stream: 1 | 2; data: string; timestamp: string }[];
  warnings?: { vertex: string; level?: number; short: string; detail?: string[]; url?: string }[];
}

interface RawVertex {
  digest: string;
  inputs?: string[];
  name: string;
  started?: string;
  completed?: string;
  cached?: boolean;
  error?: string;
}

function parseArrival(line: string): Arrival {
  const raw = JSON.parse(line) as RawStatus;
  const status: SolveStatus = {
    ...(raw.vertexes && { vertexes: raw.vertexes.map(parseVertex) }),
    ...(raw.statuses && {
      statuses: raw.statuses.map(({ id, vertex, total = 0, current, timestamp, ...times }) => ({
        id,
        vertex: parseDigest(vertex),
        total,
        current,
        timestampMs: parseTime(timestamp),
        ...parseTimes(times),
      })),
    }),
    ...(raw.logs && {
      logs: raw.logs.map(({ vertex, stream, data, timestamp }) => ({
        vertex: parseDigest(vertex),
        stream,
        data: Buffer.from(data, 'base64'),
        timestampMs: parseTime(timestamp),
      })),
    }),
    ...(raw.warnings && {
      warnings: raw.warnings.map(({ vertex, level = 0, short, detail, url }) => ({
        vertex: parseDigest(vertex),
        level,
        short: decode(short),
        ...(detail && { detail: detail.map(decode) }),
        ...(url && { url }),
      })),
    }),
  };
  const times = [
    ...(status.vertexes ?? []).map((vertex) => vertex.completedMs ?? vertex.startedMs ?? 0),
    ...(status.statuses ?? []).map((task) => task.timestampMs),
    ...(status.logs ?? []).map((log) => log.timestampMs),
  ];
  return { status, atMs: Math.max(...times, 0) };
}

function parseVertex({ digest, inputs, started, completed, ...rest }: RawVertex) {
  return {
    ...rest,
    digest: parseDigest(digest),
    ...(inputs && { inputs: inputs.map(parseDigest) }),
    ...parseTimes({ started, completed }),
  };
}

function parseTimes(times: { started?: string | undefined; completed?: string | undefined }) {
  return {
    ...(times.started && { startedMs: parseTime(times.started) }),
    ...(times.completed && { completedMs: parseTime(times.completed) }),
  };
}

function parseTime(text: string): number {
  const [, seconds = '', fraction = ''] = /^(.{19})(?:\.(\d+))?Z$/.exec(text) ?? [];
  return Date.parse(`${seconds}Z`) + Number(`0.${fraction || '0'}`) * 1000;
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString();
}
