import { pullScope } from './auth.ts';
import { withDeadline } from './deadline.ts';
import { failed } from './errors.ts';
import type { RepositoryContext } from './repository-context.ts';
import { readBody } from './requester.ts';
import type { HttpResponse } from './transport.ts';

const PAGE_SIZE = 1000;
const MAX_PAGE_BYTES = 8 * 1024 * 1024;
const MAX_PAGES = 10_000;
const DEADLINE_MS = 120_000;

/** Every tag, page by page as the registry links them. */
export async function* listTags(context: RepositoryContext, signal?: AbortSignal): AsyncGenerator<string> {
  const first = context.url('tags/list');
  first.searchParams.set('n', String(PAGE_SIZE));
  const seen = new Set<string>();
  for (let url: URL | undefined = first; url !== undefined; ) {
    if (seen.has(url.href) || seen.size >= MAX_PAGES) throw failed('GET', url, 'its pages of tags lead in a circle');
    seen.add(url.href);
    const page: TagPage = await readPage(context, url, signal);
    yield* page.tags;
    url = page.next;
  }
}

interface TagPage {
  readonly tags: readonly string[];
  readonly next: URL | undefined;
}

function readPage(context: RepositoryContext, url: URL, signal: AbortSignal | undefined): Promise<TagPage> {
  return withDeadline({ method: 'GET', url, timeoutMs: DEADLINE_MS, signal }, async (within) => {
    const response = await context.requester.send({
      method: 'GET',
      url,
      scopes: [pullScope(context.path)],
      expect: [200],
      notFoundCode: 'NAME_UNKNOWN',
      signal: within,
    });
    const content = await readBody('GET', response, MAX_PAGE_BYTES);
    return { tags: parseTags(content, url), next: nextPage(response, url) };
  });
}

function parseTags(content: Buffer, url: URL): readonly string[] {
  let tags: unknown;
  try {
    tags = (JSON.parse(content.toString('utf8')) as { tags?: unknown } | null)?.tags;
  } catch (error) {
    throw failed('GET', url, 'the list of tags is not JSON', error);
  }
  // A repository whose last tag was deleted says null.
  if (tags === null || tags === undefined) return [];
  if (!Array.isArray(tags)) throw failed('GET', url, 'the list of tags is not an array');
  return tags.filter((tag): tag is string => typeof tag === 'string');
}

/** The `next` of a Link header (RFC 8288), on the same host alone. */
function nextPage({ headers }: HttpResponse, from: URL): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(headers.link ?? '')?.[1];
  if (target === undefined) return undefined;
  const next = URL.canParse(target, from.href) ? new URL(target, from) : undefined;
  if (next?.origin !== from.origin) throw failed('GET', from, 'its next page of tags is on another host');
  return next;
}
