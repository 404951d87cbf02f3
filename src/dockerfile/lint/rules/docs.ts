/** Docker's page about a rule of BuildKit. */
export function docsUrl(page: string): string {
  return `https://docs.docker.com/go/dockerfile/rule/${page}/`;
}
