import test from 'ava';
import type { TsbuildError } from '../../src/errors.ts';
import {
  fileNameOf,
  gitSourceOp,
  isGitUrl,
  isHttpUrl,
  maskUrls,
  parseGitUrl,
  redactUrl,
  redactUrls,
} from '../../src/remote-url/index.ts';
import { fc } from '../support/properties.ts';

const place = (text: string): string | undefined => {
  const url = parseGitUrl(text);
  return url && [url.remote, url.ref ?? '', url.subdir ?? ''].join(' ').trimEnd();
};

test('what BuildKit takes for a repository', (t) => {
  const cases: Readonly<Record<string, string | undefined>> = {
    'https://example.com/': undefined,
    'https://example.com/foo': undefined,
    'https://example.com/foo.git': 'https://example.com/foo.git',
    'https://example.com/foo.git/': undefined,
    'https://example.com/foo.git.bar': undefined,
    'https://example.com/foo.git#release/1.2': 'https://example.com/foo.git release/1.2',
    'https://example.com/foo.git#a/b:c/d': 'https://example.com/foo.git a/b c/d',
    'https://example.com/foo.git#:dir': 'https://example.com/foo.git  dir',
    'https://example.com/foo.git?ref=v1&subdir=/s': 'https://example.com/foo.git v1 /s',
    'https://example.com/foo.git?tag=v1': 'https://example.com/foo.git refs/tags/v1',
    'https://example.com/foo.git?branch=refs/heads/b#refs/heads/b': 'https://example.com/foo.git refs/heads/b',
    'https://example.com/foo.git?commit=abc': 'https://example.com/foo.git abc',
    'https://user:pass@example.com/foo.git': 'https://user:pass@example.com/foo.git',
    'http://example.com/docker.git:#branch': undefined,
    'git://example.com/foo': 'git://example.com/foo',
    'ssh://git@example.com:22/foo#x': 'ssh://git@example.com:22/foo x',
    'git@example.com:org/repo': 'git@example.com:org/repo',
    'git@example.com:org/repo.git?ref=x#x:d': 'git@example.com:org/repo.git x d',
    'github.com/org/repo#x': 'https://github.com/org/repo x',
    'custom.example/org/repo.git': undefined,
    'host:path': undefined,
    'git+ssh://host/x': undefined,
    'file:///x.git': undefined,
    './x.git': undefined,
    '../git@host:x': undefined,
    '.git': undefined,
    'https://example.com/a b.git': undefined,
    'https://example.com/a\n.git': undefined,
  };
  for (const [text, expected] of Object.entries(cases)) {
    t.is(place(text), expected, text);
    t.is(isGitUrl(text), expected !== undefined, text);
  }
  t.true(parseGitUrl('github.com/org/repo')?.looksLocal);
  t.true(isHttpUrl('http://x') && isHttpUrl('https://x') && !isHttpUrl('HTTP://x') && !isHttpUrl('git://x'));
});

test('options that contradict each other, or mean nothing', (t) => {
  const fails = (options: string, message: RegExp): void => {
    const error = t.throws<TsbuildError>(
      () => parseGitUrl(`https://u:p@example.com/x.git${options}`),
      { code: 'GIT_URL_INVALID' },
      options,
    );
    t.regex(error?.message ?? '', message);
    t.false(error?.message.includes('u:p'));
  };
  fails('?ref=a#b', /two of ref/);
  fails('?ref=a&tag=a', /two of ref/);
  fails('?subdir=a#:b', /two of subdir/);
  fails('?tag=a&branch=a', /a branch and a tag/);
  fails('?ref=', /ref has no value/);
  fails('?ref=a&ref=a', /there twice/);
  fails('?submodule=false', /no option "submodule"/);
  fails('?submodules=maybe', /neither true nor false/);
  fails('?mtime=now', /neither checkout nor commit/);
  fails('?checksum=xyz', /is no commit/);
  fails('?fetch-by-commit', /needs a commit/);
  for (const ref of ['--upload-pack=x', '-x', '+x', 'a..b', 'a:b', 'a^{}', 'a~1', 'x.lock', 'a//b', '/a', 'a\\b'])
    fails(`?ref=${encodeURIComponent(ref)}`, /is no ref/);
  t.throws(() => parseGitUrl('ssh://-oProxyCommand=x/y'), { code: 'GIT_URL_INVALID' });
});

test('switches need no value, and the source op says what is not usual', (t) => {
  const url = parseGitUrl('git@h:x?keep-git-dir&submodules=0&mtime=commit&checksum=abc&fetch-by-commit=1#r:d');
  if (url === undefined) return t.fail();
  t.deepEqual(gitSourceOp(url), {
    identifier: 'git://h/x#r:d',
    attrs: {
      'git.fullurl': 'git@h:x',
      'git.authheadersecret': 'GIT_AUTH_HEADER',
      'git.authtokensecret': 'GIT_AUTH_TOKEN',
      'git.mountsshsock': 'default',
      'git.keepgitdir': 'true',
      'git.skipsubmodules': 'true',
      'git.checksum': 'abc',
      'git.mtime': 'commit',
      'git.fetchbycommit': 'true',
    },
  });
});

test('the name of a download is the end of the path', (t) => {
  t.is(fileNameOf('http://h/a/b.tar.gz?x=/y#z'), 'b.tar.gz');
  t.is(fileNameOf('http://h/a%20b/'), 'a b');
  t.is(fileNameOf('http://h/a%2Fb'), 'b');
  t.is(fileNameOf('http://h/'), undefined);
  t.is(fileNameOf('http://h/%2e%2e'), undefined);
  t.is(fileNameOf('http://h/%zz'), '%zz');
  t.is(redactUrl('https://u:p@h/x@y'), 'https://h/x@y');
  t.is(redactUrl('git@h:x'), 'git@h:x');
});

test('texts lose the credentials of every URL in them, and nothing else', (t) => {
  const text = [
    'ADD https://token@h/x?sig=abc&v=1 http://u:p%40@h/y?X-Amz-Signature=12&access_token=z /to',
    'RUN git clone ssh://git@h/x git@h:x git://u:secret@h/x && mail a@b.example "http://h/@x"',
  ].join('\n');
  t.is(
    redactUrls(text),
    [
      'ADD https://h/x?sig=***&v=1 http://h/y?X-Amz-Signature=***&access_token=*** /to',
      'RUN git clone ssh://git@h/x git@h:x git://u:***@h/x && mail a@b.example "http://h/@x"',
    ].join('\n'),
  );
  t.is(maskUrls('ADD https://u:p@h/x?token=abc /'), 'ADD https://***@h/x?token=*** /');
  t.is(maskUrls(text).length, text.length);
  t.is(redactUrl('https://u:p@h/x?api_key=1&key=2'), 'https://h/x?api_key=***&key=2');
  const long = `https://${'a:'.repeat(50_000)}`;
  t.is(redactUrls(long), long);
  const dashes = `://${'a-'.repeat(500_000)}`;
  t.is(redactUrls(dashes), dashes);
});

test('any text is a repository, is none, or is refused in words', (t) => {
  fc.assert(
    fc.property(fc.constantFrom('', 'git://h/', 'https://h/x.git', 'git@h:'), fc.string(), (start, end) => {
      try {
        const url = parseGitUrl(start + end);
        return url === undefined || !/\s/.test(url.remote + (url.ref ?? ''));
      } catch (error) {
        return (error as TsbuildError).code === 'GIT_URL_INVALID';
      }
    }),
  );
  t.pass();
});
