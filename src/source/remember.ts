import { canonicalJson } from '../llb/index.ts';
import type { ResolvedSource, Source } from './types.ts';

/**
 * A source that looks at each place once, and gets what is there once, however many graphs read it: a branch or a download that
 * changes during a build is one thing for all of it. What failed is tried again by whoever asks next.
 */
export function rememberSource(source: Source): Source {
  const known = new Map<string, Promise<ResolvedSource>>();
  return {
    schemes: source.schemes,
    resolve(op, options) {
      const { identifier, attrs, platform } = op;
      return remember(known, canonicalJson({ identifier, attrs, platform }), async () => {
        const resolved = await source.resolve(op, options);
        const fetched = new Map<'', ReturnType<ResolvedSource['fetch']>>();
        return { ...resolved, fetch: (asked) => remember(fetched, '', () => resolved.fetch(asked)) };
      });
    },
  };
}

function remember<K, V>(known: Map<K, Promise<V>>, key: K, get: () => Promise<V>): Promise<V> {
  const earlier = known.get(key);
  if (earlier !== undefined) return earlier;
  const value = get();
  known.set(key, value);
  value.catch(() => known.delete(key));
  return value;
}
