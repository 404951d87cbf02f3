import type { EnvList } from '../../llb/index.ts';
import type { StageDraft } from './draft.ts';

const inherited = new WeakMap<StageDraft, EnvList>();

/**
 * The variables that a stage starts with on another: as in BuildKit those of the other, and then every variable of its image set
 * again, so that ARG comes first and ENV after it in the image's order, with the image's values. Nearly all of a long list stands
 * right already: only what the other stage itself has set is moved.
 */
export function inheritEnv(base: StageDraft): EnvList {
  let env = inherited.get(base);
  if (env === undefined) {
    env = sortVariables(base);
    inherited.set(base, env);
  }
  return env;
}

function sortVariables({ env: before, touched, image }: StageDraft): EnvList {
  const names = [...touched];
  const args = names.filter((name) => !image.env.has(name));
  const ofImage = names.filter((name) => image.env.has(name)).sort((a, b) => image.env.compareAge(a, b));
  let env = before;
  let end = findEndOfArgs(before, touched, image.env);
  for (const name of args) {
    env = env.insertAfter(end, name, before.get(name) ?? '');
    end = name;
  }
  for (const name of ofImage) env = env.insertAfter(image.env.previous(name) ?? end, name, image.env.get(name) ?? '');
  return env;
}

/** The last ARG that the stage started with and did not set again; what it has set itself stands after all others. */
function findEndOfArgs(env: EnvList, touched: ReadonlySet<string>, image: EnvList): string | undefined {
  for (const name of image.keys()) if (!touched.has(name)) return env.previous(name);
  const [first] = touched;
  return first === undefined ? undefined : env.previous(first);
}
