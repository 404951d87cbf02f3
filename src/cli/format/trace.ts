import type { BuildInspection, RecordedStep } from '../../index.ts';
import { digestEncoded, digestOf } from '../../oci/digest.ts';
import { VERSION } from '../../version.ts';
import { formatJson } from './json.ts';

/** Numbers of OpenTelemetry's protocol (opentelemetry/proto/trace/v1/trace.proto). */
const SPAN_KIND_INTERNAL = 1;
const STATUS = { unset: 0, ok: 1, error: 2 } as const;

/**
 * A build as one line of OTLP's JSON (ExportTraceServiceRequest): a span for it, and one below for each step that was begun. IDs are made
 * of the build's own, so that the same record gives the same trace.
 */
export function formatTrace({ record, steps }: BuildInspection): string {
  const traceId = idOf(record.id, 32);
  const spanOf = (digest: string): string => idOf(`${record.id} ${digest}`, 16);
  const begun = steps.filter(isBegun);
  const known = new Set<string>(begun.map(({ digest }) => digest));
  const endMs = record.completedMs ?? Math.max(record.createdMs, ...begun.map(endOf));
  const root = {
    traceId,
    spanId: spanOf('build'),
    name: `build ${record.name}`,
    kind: SPAN_KIND_INTERNAL,
    startTimeUnixNano: toNanos(record.createdMs),
    endTimeUnixNano: toNanos(endMs),
    attributes: attributes({
      'tsbuild.build': record.id,
      'tsbuild.context': record.context,
      'tsbuild.dockerfile': record.dockerfile.name,
      'tsbuild.target': record.target,
      'tsbuild.platform': record.platform,
      'tsbuild.status': record.status,
    }),
    status: statusOf(record.status === 'completed', record.error?.message),
  };
  const spans = begun.map((step) => ({
    traceId,
    spanId: spanOf(step.digest),
    parentSpanId: root.spanId,
    name: step.name,
    kind: SPAN_KIND_INTERNAL,
    startTimeUnixNano: toNanos(step.startedMs),
    endTimeUnixNano: toNanos(endOf(step)),
    attributes: attributes({ 'tsbuild.vertex': step.digest, 'tsbuild.cached': step.cached }),
    links: [...new Set(step.keys?.inputs.map(({ vertex }) => vertex))]
      .filter((vertex) => known.has(vertex))
      .map((vertex) => ({ traceId, spanId: spanOf(vertex) })),
    status: statusOf(step.completedMs !== undefined, step.error),
  }));
  const resource = { attributes: attributes({ 'service.name': 'tsbuild', 'service.version': VERSION }) };
  const scopeSpans = [{ scope: { name: 'tsbuild', version: VERSION }, spans: [root, ...spans] }];
  return `${formatJson({ resourceSpans: [{ resource, scopeSpans }] })}\n`;
}

type BegunStep = RecordedStep & { readonly startedMs: number };

function isBegun(step: RecordedStep): step is BegunStep {
  return step.startedMs !== undefined;
}

function endOf({ startedMs, completedMs }: BegunStep): number {
  return completedMs ?? startedMs;
}

/** 64-bit numbers are texts in protobuf's JSON. */
function toNanos(timeMs: number): string {
  return `${BigInt(Math.round(timeMs * 1000)) * 1000n}`;
}

function statusOf(isDone: boolean, error: string | undefined): object {
  if (error !== undefined) return { code: STATUS.error, message: error };
  return { code: isDone ? STATUS.ok : STATUS.unset };
}

function attributes(values: Readonly<Record<string, string | boolean | undefined>>): readonly object[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [{ key, value: typeof value === 'string' ? { stringValue: value } : { boolValue: value } }],
  );
}

/** Hexadecimal, of `length` digits. */
function idOf(text: string, length: number): string {
  return digestEncoded(digestOf(text)).slice(0, length);
}
