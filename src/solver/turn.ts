import type { Digest } from '../oci/index.ts';
import type { Slots } from './slots.ts';
import type { Claim, Claims } from './types.ts';

/** What a step has while it executes. */
export interface Turn {
  /** Gives the slot back: the op has ended. */
  readonly endExecution: () => void;
  /** Gives the claim back: the result is saved, or there is none. */
  readonly release: () => void;
}

export interface TurnRequest<T> {
  /** Absent: it is done whoever else does the same. */
  readonly claim?: { readonly claims: Claims; readonly identity: Digest };
  /** Looks whether somebody has done it meanwhile. */
  readonly look: () => Promise<T | undefined>;
  /** Ends a wait for somebody else. */
  readonly signal: AbortSignal;
  /** Called, perhaps often, when that takes a moment. */
  readonly onWait: () => void;
}

/**
 * Resolves when it is this step's turn, or when another has done the work. Who waits for a claim holds no slot: others of this process go
 * on. Who gets it after a wait and has to do the work all the same (the other failed, or was killed) waits for a slot with
 * the claim; whoever has the slots then waits for no claim, so that ends.
 */
export async function takeTurn<T>(
  slots: Slots,
  { claim, look, signal, onWait }: TurnRequest<T>,
): Promise<{ readonly turn: Turn } | { readonly found: T }> {
  let freeSlot: (() => void) | undefined = await slots.acquire();
  let held: Claim | undefined;
  const endExecution = (): void => {
    freeSlot?.();
    freeSlot = undefined;
  };
  const release = (): void => {
    endExecution();
    held?.release();
    held = undefined;
  };
  const turn: Turn = { endExecution, release };
  if (claim === undefined) return { turn };
  const { claims, identity } = claim;
  try {
    held = await claims.tryTake(identity);
    if (held === undefined) {
      turn.endExecution();
      held = await claims.take(identity, signal, onWait);
    }
    // Whoever had it saved its result before it let go.
    const found = await look();
    if (found === undefined) {
      freeSlot ??= await slots.acquire();
      return { turn };
    }
    turn.release();
    return { found };
  } catch (error) {
    turn.release();
    throw error;
  }
}
