import { mergeState, type OpMetadata, type State } from '../../../llb/index.ts';
import { syntaxError } from '../../errors.ts';
import type { SourceRange } from '../../position.ts';

/**
 * COPY --link: what was copied into an empty tree is laid over the stage. So the layer depends on nothing below it: it is the same on
 * any base, and neither follows symlinks there nor is lost when the base changes. `below` is `undefined` for an empty stage.
 */
export function layOver(below: State | undefined, layer: State, metadata: OpMetadata): State {
  return below === undefined ? layer : mergeState([below, layer], metadata);
}

/** `root` is 0 whatever the image's passwd and group say, as in BuildKit. */
export function numberRoot(owner: string): string {
  return owner.replaceAll(/(^|:)root(?=:|$)/g, '$10');
}

/** An empty tree has no passwd: there, names other than root mean nobody. Throws `DOCKERFILE_SYNTAX`. */
export function refuseNamedOwner(keyword: string, owner: string, range: SourceRange): void {
  const name = numberRoot(owner)
    .split(':')
    .find((part) => part !== '' && !/^[+-]?\d+$/.test(part));
  if (name === undefined) return;
  throw syntaxError(
    `${keyword} --link cannot look up ${JSON.stringify(name)}: a linked layer does not see the files below it, /etc/passwd among them`,
    range,
    'give --chown numbers, or leave out --link',
  );
}
