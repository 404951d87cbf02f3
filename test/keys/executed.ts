interface ShownVertex {
  readonly digest: string;
  readonly name: string;
  readonly inputs?: readonly string[];
  readonly completed?: string;
  readonly cached?: boolean;
}

/** The steps of a build that ran, read from what `--progress=rawjson` says: without the stage and number before them. */
export function readExecuted(rawJson: string): readonly string[] {
  const last = new Map<string, ShownVertex>();
  for (const line of rawJson.split('\n')) {
    if (!line.startsWith('{')) continue;
    const { vertexes = [] } = JSON.parse(line) as { readonly vertexes?: readonly ShownVertex[] };
    for (const vertex of vertexes) last.set(vertex.digest, vertex);
  }
  const steps: string[] = [];
  for (const { name, inputs = [], completed, cached } of last.values()) {
    // What is fetched for an ADD bears its name too.
    if (inputs.length === 0) continue;
    const step = /^\[[^\]]*\d+\/\d+\] ((?:RUN|COPY|ADD|WORKDIR)\s.*)/is.exec(name)?.[1];
    if (step !== undefined && completed !== undefined && cached !== true) steps.push(step);
  }
  return steps;
}
