import { posix } from 'node:path';
import { canonicalJson } from '../llb/index.ts';
import type { FileAction, FileOp, InputNames } from '../llb/ops.ts';
import type { PresentResult } from '../llb/results.ts';
import type { ChangeTreeSource, TreeAction } from '../native/types.ts';
import { digestOf } from '../oci/index.ts';
import type { CacheDep, SolverOp } from '../solver/types.ts';
import { type ContentReader, selectorOf } from './content.ts';
import { fileStepFailed, invalidDefinition } from './errors.ts';
import { ownedByRoot, warnOfOwner } from './owners.ts';
import { compileFilters, copySelections, mayMatchNothing } from './selections.ts';
import type { OpDependencies } from './types.ts';
import { viewResult } from './view.ts';
import { followContext, watchJob } from './watch.ts';

/** COPY, ADD, WORKDIR: a new snapshot on the base, changed by one native call. Sources count by the content that is read. */
export function createFileOp(
  op: FileOp,
  { snapshotter, native }: Pick<OpDependencies, 'snapshotter' | 'native'>,
  content: ContentReader,
  inputNames: InputNames = new Map(),
): SolverOp<PresentResult> {
  const selections = op.inputs.map((_, input) => copySelections(op, input));

  return {
    async cacheMap() {
      return {
        digest: digestOf(`file ${canonicalJson({ base: op.base, actions: op.actions.map((a) => keyAction(a, op)) })}`),
        deps: selections.map((read, input): CacheDep<PresentResult> => {
          if (read === undefined) return {};
          return {
            selector: selectorOf(read),
            computeDigest: (result, context) =>
              content.digest(result, read, {
                treeName: inputNames.get(input),
                warn: context.vertex.warn,
                ...followContext(context),
              }),
          };
        }),
      };
    },

    async exec(inputs, { signal, vertex }) {
      const base = op.base < 0 ? undefined : inputs[op.base];
      if (base?.kind === 'local') throw invalidDefinition('a step would write into a directory of the user');
      const active = await snapshotter.prepare(base?.name);
      try {
        signal.throwIfAborted();
        const sources = inputs.map((input): ChangeTreeSource => readSource(input, snapshotter));
        // Last, for copies from a stage that is empty.
        sources.push({ root: { lowers: [] } });
        const verifyAll = async (cause?: unknown) => {
          for (const [i, input] of inputs.entries())
            await content.verify(input, selections[i] ?? [], { signal }, cause);
        };
        try {
          const onBytes = (bytes: number, completed: boolean) => vertex.task('copying files:', bytes, 0, completed);
          const { unknownOwners } = await watchJob(native, { signal, onBytes }, (watch) =>
            native.changeTree({
              root: active.mount,
              sources,
              actions: op.actions.map((a) => toTreeAction(a, inputs.length)),
              // Where there is no tree at all, BuildKit has nothing to look names up in.
              ownersMustExist: base === undefined,
              watch,
            }),
          );
          for (const owner of unknownOwners) warnOfOwner(owner, vertex);
        } catch (error) {
          signal.throwIfAborted();
          // A file that went away half-way is a change too.
          await verifyAll(error);
          throw fileStepFailed(error);
        }
        await verifyAll();
        signal.throwIfAborted();
        return [{ kind: 'snapshot', name: (await active.commit()).name }];
      } catch (error) {
        // A sweep gets what cannot be removed now; what matters is the failure.
        await active.remove().catch(() => {});
        throw error;
      }
    },
  };
}

/** The source's directory is no part of the key: its content is. */
function keyAction(action: FileAction, op: FileOp): FileAction {
  if (action.type !== 'copy' || copySelections(op, action.input) === undefined) return action;
  const { requiredPath: _, ...copy } = action;
  return { ...copy, src: posix.basename(action.src) };
}

/** How a result is read by a copy. */
export function readSource(result: PresentResult, snapshotter: OpDependencies['snapshotter']): ChangeTreeSource {
  if (result.kind === 'snapshot') return { root: viewResult(snapshotter, result.name) };
  return {
    root: { lowers: [result.directory] },
    ownedByRoot: ownedByRoot(result),
    ...(result.gitModes ? { gitModes: true } : {}),
    ...(result.ignore === undefined ? {} : { ignore: result.ignore }),
  };
}

function toTreeAction(action: FileAction, emptySource: number): TreeAction {
  if (action.type !== 'copy') return action;
  const { input, includePatterns: _included, excludePatterns: _excluded, requiredPath: _required, ...copy } = action;
  return {
    ...copy,
    source: input < 0 ? emptySource : input,
    allowEmptyWildcard: mayMatchNothing(action),
    ...compileFilters(action),
  };
}
