/** Why a step could not be taken from the cache: what of its key is not what it was. */
export type Reason =
  /** There is nothing that it could be compared with. */
  | { readonly kind: 'never-built' }
  /** The build that it is compared with had no such instruction. */
  | { readonly kind: 'new-instruction' }
  /** It was asked to run: `--no-cache`, `--no-cache-filter`. */
  | { readonly kind: 'no-cache'; readonly option: string }
  /** Nothing changed: what that build made is no longer in the store. */
  | { readonly kind: 'dropped'; readonly build: string }
  /** Nothing changed: that build did not finish the step. */
  | { readonly kind: 'unfinished'; readonly build: string; readonly how: 'failed' | 'ended' }
  /** It reads what no key can tell. */
  | { readonly kind: 'uncacheable' }
  | ({ readonly kind: 'instruction' } & Change)
  /** A variable; values that look like secrets are absent, and `hidden`. */
  | ({ readonly kind: 'arg' | 'env'; readonly name: string; readonly hidden?: true } & Change)
  | { readonly kind: 'env-order' }
  /** A part of what an instruction means, by its name: `command`, `user`, `source`, `--chmod` … */
  | ({ readonly kind: 'setting'; readonly name: string } & Change)
  | ({ readonly kind: 'mount'; readonly target: string } & Change)
  /** An image: another digest of the same reference, or another reference. */
  | ({ readonly kind: 'base'; readonly reference: string } & Change)
  /** A URL, a repository or a layout gave something else. */
  | ({ readonly kind: 'source'; readonly name: string } & Change)
  | {
      readonly kind: 'files';
      /** Where they come from: `context`, `stage "build"`. */
      readonly from: string;
      readonly files: readonly FileDifference[];
      /** How many differ beside those. */
      readonly more: number;
    }
  /** Files changed, and which ones is not known. */
  | { readonly kind: 'content'; readonly from: string }
  /** An instruction before it is gone, or stands in another place. */
  | { readonly kind: 'removed' | 'order'; readonly instruction: string }
  /** A step that it stands on is another one, and why is not known. */
  | { readonly kind: 'upstream'; readonly step: string }
  /** It differs in something that is not kept. */
  | { readonly kind: 'unknown' };

/** Absent: there was, or is, none. */
interface Change {
  readonly old?: string;
  readonly new?: string;
}

export interface FileDifference {
  /** From the root of where it is read. */
  readonly path: string;
  readonly status: 'added' | 'removed' | 'changed';
  /** What is different: old and new. A file's content is its digest, a symlink's its target. */
  readonly changes?: Readonly<
    Partial<Record<'type' | 'content' | 'mode' | 'owner' | 'attributes', readonly [string, string]>>
  >;
  /** The ignore file let it through, or left it out, as it did not before. */
  readonly ignoreFile?: string;
}

/** What a build did again, and why. */
export interface Explanation {
  readonly build: string;
  /** What most steps are compared with; absent: no build here is like it. */
  readonly comparedWith?: ComparedBuild;
  readonly executed: number;
  readonly cached: number;
  /** In the order of the graph: steps that ran, and those that did not but are the cause. */
  readonly steps: readonly ExplainedStep[];
}

export interface ComparedBuild {
  readonly id: string;
  readonly createdMs: number;
  /** What of it is another: `target`, `platform`, `dockerfile`, `context`; old and new. */
  readonly differs: Readonly<Record<string, readonly [string, string]>>;
}

export interface ExplainedStep {
  readonly digest: string;
  /** As progress shows it. */
  readonly name: string;
  /** The stage's name; empty where a file has one without a name. */
  readonly stage: string;
  readonly location?: { readonly file: string; readonly line: number; readonly endLine: number };
  /** The instruction as it stands in the Dockerfile, on one line. */
  readonly instruction: string;
  /** `false`: it came from the cache, and others ran because of it. */
  readonly ran: boolean;
  readonly failed?: true;
  readonly reasons: readonly Reason[];
  /** The steps that began it; itself where it did. */
  readonly because: readonly { readonly digest: string; readonly name: string }[];
  /** The build that this step is compared with, where it is another. */
  readonly comparedWith?: string;
}
