import type { Digest } from '../oci/index.ts';
import { digestOp } from './digest.ts';
import type { ExecOp, FileAction, Op, OpInput, OpMetadata, SourceOp } from './ops.ts';

/** A file tree in the making: one output of an op. `undefined` stands for the empty tree (`scratch`). */
export interface State {
  readonly node: StateNode;
  readonly index: number;
}

/** An op with the states it reads, from which `marshal` follows the graph. */
export interface StateNode {
  readonly digest: Digest;
  readonly op: Op;
  readonly inputs: readonly State[];
  readonly metadata: OpMetadata;
}

/** A tree that comes from outside: `local://context`, `docker-image://…`. */
export function sourceState(source: Omit<SourceOp, 'type' | 'inputs'>, metadata: OpMetadata): State {
  return createState({ type: 'source', inputs: [], ...source }, [], metadata);
}

/** The root file system after a process ran in it; mounts index `inputs`. */
export function execState(
  inputs: readonly State[],
  exec: Omit<ExecOp, 'type' | 'inputs'>,
  metadata: OpMetadata,
): State {
  return createState({ type: 'exec', inputs: inputs.map(toInput), ...exec }, inputs, metadata);
}

/** The tree `inputs[base]` (-1: an empty one) after the actions; copies read from `inputs` by number. */
export function fileState(
  inputs: readonly State[],
  base: number,
  actions: readonly FileAction[],
  metadata: OpMetadata,
): State {
  return createState({ type: 'file', inputs: inputs.map(toInput), base, actions }, inputs, metadata);
}

/** The trees laid one over the other, the lowest first. */
export function mergeState(inputs: readonly State[], metadata: OpMetadata): State {
  return createState({ type: 'merge', inputs: inputs.map(toInput) }, inputs, metadata);
}

/** Collects the states that an op reads, each once, and numbers them. */
export class InputList {
  readonly states: State[] = [];
  /** What those that were added with a name are called. */
  readonly names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  /** The number of a state among the inputs; -1 is the empty tree. */
  add(state: State | undefined, called?: string): number {
    const number = this.#number(state);
    if (number >= 0 && called !== undefined) this.names.set(number, called);
    return number;
  }

  #number(state: State | undefined): number {
    if (state === undefined) return -1;
    const name = `${state.node.digest} ${state.index}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.states.push(state) - 1;
    this.#numbers.set(name, number);
    return number;
  }
}

function toInput(state: State): OpInput {
  return { digest: state.node.digest, index: state.index };
}

function createState(op: Op, inputs: readonly State[], metadata: OpMetadata): State {
  return { node: { digest: digestOp(op), op, inputs, metadata }, index: 0 };
}
