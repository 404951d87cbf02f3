import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';

export const UnpinnedBaseImage: Rule = {
  name: 'UnpinnedBaseImage',
  description: 'Base images are named with their digest, so that the same file always starts from the same files',
  own: true,
  experimental: true,
};

/** An image of FROM, `COPY --from` or a mount. */
export function checkBasePin(lint: Linter, image: string, token: SourceRange): void {
  if (image.includes('@')) return;
  lint.warn(
    UnpinnedBaseImage,
    `${image} may be another image tomorrow; name it with its digest, ${image}@sha256:…`,
    token,
  );
}
