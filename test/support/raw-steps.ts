/** Steps that ran, by the events that buildx writes too: what is fetched of a cached one later changes nothing of that. */
export function stepsThatRan(rawJson: string): readonly string[] {
  const names = new Map<string, string>();
  const cached = new Set<string>();
  for (const line of rawJson.split('\n')) {
    if (!line.startsWith('{')) continue;
    const { vertexes = [] } = JSON.parse(line) as { readonly vertexes?: readonly ShownVertex[] };
    for (const vertex of vertexes) {
      const name = /^\[(?!internal)[^\]]*\] ((?:RUN|COPY|ADD|WORKDIR) [\s\S]*)$/.exec(vertex.name ?? '')?.[1];
      // What only fetches for an ADD has its name too, and stands on nothing.
      if (name?.startsWith('ADD ') && name.includes('://') && (vertex.inputs ?? []).length === 0) continue;
      if (name !== undefined && vertex.completed !== undefined) names.set(vertex.digest, name);
      if (vertex.cached) cached.add(vertex.digest);
    }
  }
  return [...names].filter(([digest]) => !cached.has(digest)).map(([, name]) => name);
}

/** What was warned of. */
export function warningsIn(rawJson: string): readonly string[] {
  return rawJson.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const { warnings = [] } = JSON.parse(line) as { readonly warnings?: readonly { readonly short: string }[] };
    return warnings.map(({ short }) => Buffer.from(short, 'base64').toString());
  });
}

interface ShownVertex {
  readonly digest: string;
  readonly name?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  readonly inputs?: readonly string[];
}
