import { type Digest, digestOf } from '../../src/oci/index.ts';
import { createSolver, type SolverOptions } from '../../src/solver/index.ts';
import type {
  CacheMap,
  CacheRecordInfo,
  CacheStorage,
  DefinitionRecord,
  Edge,
  OpContext,
  SolveObserver,
  Vertex,
  VertexKeys,
} from '../../src/solver/types.ts';

/** A step as data. Results are text: the step's own text around its inputs' texts. */
export interface Step {
  /** `name` or `name#output`; a leading `~` enters the key by content, `~name:part` by the content of a part. */
  readonly inputs?: readonly string[];
  /** What the cache map's digest is made of; default the step's name. */
  readonly key?: string;
  /** Default: `name(inputs)`. */
  readonly make?: (inputs: readonly string[], context: OpContext) => string | readonly string[] | Promise<string>;
  readonly cacheMap?: (context: OpContext) => Promise<void>;
  readonly digest?: (result: string) => Promise<void>;
  readonly cacheable?: boolean;
  readonly ignoreCache?: boolean;
  readonly outputs?: number;
}

export type Steps = Readonly<Record<string, Step>>;

/** What a build did. */
export interface Trace {
  /** Names in order. */
  readonly executed: string[];
  readonly cached: string[];
  readonly failed: string[];
  readonly digested: string[];
  readonly loaded: string[];
  readonly events: string[];
  /** `name: origin`, of what did not fail. */
  readonly origins: string[];
  readonly keys: Map<string, VertexKeys>;
  /** `name: task`. */
  readonly tasks: Set<string>;
}

/** Records kept in memory, as a store would keep them between builds. */
export class MemoryCache implements CacheStorage<string> {
  readonly records = new Map<Digest, { readonly name: string; readonly results: readonly string[] }>();
  readonly contents = new Map<string, Digest>();
  readonly gone = new Set<string>();
  readonly touched: string[] = [];
  loaded: string[] = [];
  saves = 0;

  async load(identity: Digest): Promise<readonly string[] | undefined> {
    const record = this.records.get(identity);
    if (record === undefined || this.gone.has(record.name)) return undefined;
    this.loaded.push(record.name);
    return record.results;
  }

  async save(identity: Digest, results: readonly string[], info: CacheRecordInfo): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.saves += 1;
    this.gone.delete(info.name);
    this.records.set(identity, { name: info.name, results });
  }

  contentDigest(identity: Digest, index: number, selector: Digest): Digest | undefined {
    return this.contents.get(`${this.records.get(identity)?.results[index]} ${selector}`);
  }

  saveContentDigest(result: string, selector: Digest, content: Digest): void {
    this.contents.set(`${result} ${selector}`, content);
  }

  readonly definitions = new Map<Digest, DefinitionRecord>();

  nameOf(result: string): string {
    return result;
  }

  storedName(identity: Digest, index: number): string | undefined {
    return this.records.get(identity)?.results[index];
  }

  saveDefinition(definition: Digest, record: DefinitionRecord): void {
    this.definitions.set(definition, record);
  }

  definition(definition: Digest): DefinitionRecord | undefined {
    return this.definitions.get(definition);
  }

  /** As a prune does: the result and all that was known of it. */
  forget(name: string): void {
    for (const [identity, record] of this.records) if (record.name === name) this.records.delete(identity);
  }

  touch(identity: Digest): void {
    this.touched.push(this.records.get(identity)?.name ?? '?');
  }
}

/** Evaluates `head` of a graph and says what happened. */
export async function buildSteps(
  steps: Steps,
  head: string,
  options: Partial<SolverOptions<string>> & { readonly cache: MemoryCache; readonly signal?: AbortSignal },
): Promise<Trace & { readonly result: string }> {
  const trace = makeTrace();
  const result = await startSteps(steps, head, trace, options);
  return { ...trace, loaded: options.cache.loaded, result };
}

export function makeTrace(): Trace {
  return {
    executed: [],
    cached: [],
    failed: [],
    digested: [],
    loaded: [],
    events: [],
    origins: [],
    keys: new Map(),
    tasks: new Set(),
  };
}

export function startSteps(
  steps: Steps,
  head: string,
  trace: Trace,
  options: Partial<SolverOptions<string>> & { readonly cache: MemoryCache; readonly signal?: AbortSignal },
): Promise<string> {
  options.cache.loaded = [];
  const observer: SolveObserver<string> = {
    started: (vertex) => trace.events.push(`start ${vertex.name}`),
    completed(vertex, { cached, origin, error }) {
      if (origin !== undefined) trace.origins.push(`${vertex.name}: ${origin}`);
      trace.events.push(`end ${vertex.name}`);
      (error !== undefined ? trace.failed : cached ? trace.cached : trace.executed).push(vertex.name);
    },
    reporter: ({ name }) => ({ log: () => {}, task: (id) => trace.tasks.add(`${name}: ${id}`) }),
    keyed(vertex, keys) {
      trace.events.push(`key ${vertex.name}`);
      trace.keys.set(vertex.name, keys);
    },
  };
  const { signal } = options;
  const solver = createSolver({ observer, ...options });
  return solver.build(makeEdge(steps, head, trace), signal === undefined ? {} : { signal });
}

const INPUT = /^(?<content>~?)(?<name>[^#:]+)(#(?<index>\d+))?(:(?<part>.+))?$/;

/** Each use of a step makes a vertex object of its own; equal digests must make them one. */
export function makeEdge(steps: Steps, text: string, trace: Trace): Edge<string> {
  const { name = '', index = '0' } = INPUT.exec(text)?.groups ?? {};
  return { vertex: makeVertex(steps, name, trace), index: Number(index) };
}

function makeVertex(steps: Steps, name: string, trace: Trace): Vertex<string> {
  const step = steps[name];
  if (step === undefined) throw new Error(`no step ${name}`);
  const inputs = (step.inputs ?? []).map((text) => makeEdge(steps, text, trace));
  return {
    digest: digestOf(`vertex ${name} ${inputs.map((input) => input.vertex.digest).join()}`),
    name,
    inputs,
    ...(step.ignoreCache === undefined ? {} : { ignoreCache: step.ignoreCache }),
    op: {
      async cacheMap(context) {
        await step.cacheMap?.(context);
        return makeCacheMap(step, name, trace);
      },
      async exec(values, context) {
        const made = (await step.make?.(values, context)) ?? `${name}(${values.join(',')})`;
        return typeof made === 'string' ? [made] : made;
      },
    },
  };
}

function makeCacheMap(step: Step, name: string, trace: Trace): CacheMap<string> {
  return {
    digest: digestOf(`key ${step.key ?? name}`),
    ...(step.cacheable === undefined ? {} : { cacheable: step.cacheable }),
    deps: (step.inputs ?? []).map((text) => {
      const { content, part } = INPUT.exec(text)?.groups ?? {};
      if (content === '') return part === undefined ? {} : { selector: digestOf(part) };
      return {
        ...(part === undefined ? {} : { selector: digestOf(part) }),
        async computeDigest(result: string) {
          trace.digested.push(`${name}<${text}`);
          await step.digest?.(result);
          // A part is one word of the text.
          return digestOf(
            part === undefined ? result : (result.split(' ').find((word) => word.startsWith(part)) ?? ''),
          );
        },
      };
    }),
  };
}
