import type { PeerName } from './cases.ts';

/** A difference that is meant: tsbuild does as today's BuildKit documents, and this version of a peer does not. */
export interface KnownDifference {
  readonly peer: PeerName;
  /** Names of cases; every case when left out. */
  readonly cases?: readonly string[];
  /** Matches the lines of `compareImages(tsbuild, peer)`. */
  readonly line: RegExp;
  readonly reason: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    peer: 'buildkit',
    cases: ['flag-build-context-from'],
    line: /^history {2}!= \[1\/2\] COPY own \/own$/,
    reason: 'BuildKit gives a layer that no instruction made the name of some step; tsbuild says that none made it',
  },
  {
    peer: 'buildkit',
    line: /^history HEALTHCHECK \{.* != HEALTHCHECK &\{/,
    reason: 'BuildKit tells a health check with its field names since 0.26',
  },
  {
    peer: 'docker',
    cases: [
      'mount-cache',
      'mount-cache-mode',
      'mount-cache-from',
      'mount-bind-context',
      'mount-bind-stage',
      'mount-tmpfs',
    ],
    line: /^\/(cache|other|ctx|in|all|scratch): nothing != directory 755 0:0$/,
    reason: 'BuildKit before 0.11 left the mount points of RUN --mount behind',
  },
  {
    peer: 'docker',
    cases: ['mount-bind-context'],
    line: /^\/one: nothing != file 755 0:0$/,
    reason: 'BuildKit before 0.11 left the mount points of RUN --mount behind',
  },
  {
    peer: 'docker',
    cases: ['from-scratch-run'],
    line: /^\/etc(\/(hosts|resolv\.conf|hostname))?: nothing != (directory|file) /,
    reason: 'BuildKit before 0.11 left the mount points of its own files behind',
  },
  {
    peer: 'docker',
    cases: ['copy-from-stage', 'copy-special'],
    line: /^\/(out\/p|owned\/p|src\/pipe): fifo .* != nothing$/,
    reason: 'BuildKit before 0.10 did not copy named pipes',
  },
  {
    peer: 'docker',
    line: /^history (COPY|ADD) (?:--(?:chown|chmod)=\S+ )+(.*) != \1 \2$/,
    reason: 'BuildKit before 0.9 left the flags out of the history',
  },
  {
    peer: 'docker',
    line: /^history (EXPOSE \[.* != EXPOSE map\[|HEALTHCHECK \{.* != HEALTHCHECK &\{)/,
    reason: 'BuildKit tells ports as a list since 0.13, a health check with its field names since 0.26',
  },
  {
    peer: 'docker',
    line: /^history ARG .* != ARG /,
    reason: 'BuildKit tells the value that an ARG has, and no longer its default',
  },
  {
    peer: 'docker',
    cases: ['arg-env-precedence', 'arg-redeclared', 'stages-inherit'],
    line: /^history RUN \|\d /,
    reason: 'BuildKit lists an ARG that is declared twice once, and those that a parent stage declared, since 0.13',
  },
  {
    peer: 'docker',
    cases: ['user-forms', 'run-identity'],
    line: /^\/(out\/[a-z-]+|as-root|tmp\/as-app): (size|sha256) /,
    reason: 'since CVE-2023-25173 the primary group is among the supplementary ones',
  },
  {
    peer: 'docker',
    cases: ['copy-chmod'],
    line: /^\/suid: mode 4711 != 0711$/,
    reason: 'BuildKit before 0.9 changed the owner after the mode, which drops the set-user-id bit',
  },
  {
    peer: 'docker',
    cases: ['add-tar-chown'],
    line: /^\/d\/(a|sub|sub\/b): (uid 1000 != 0|gid 50 != 0)$/,
    reason: 'BuildKit gives what ADD unpacks to the owner that --chown says, since 2025',
  },
  {
    peer: 'buildah',
    line: /^\/run: nothing != directory 755 0:0$/,
    reason: 'buildah makes /run for its own mounts and leaves it',
  },
  {
    peer: 'buildah',
    line: /^config WorkingDir: "\/" != nothing$/,
    reason: 'BuildKit writes "/" where nothing was said, buildah nothing; both mean the root',
  },
  {
    peer: 'buildah',
    cases: ['from-scratch-run', 'whole-debian'],
    line: /^\/(run|etc|etc\/(hosts|resolv\.conf|hostname)): nothing != (directory|file) /,
    reason: 'buildah leaves the mount points of its containers behind',
  },
  {
    peer: 'buildah',
    cases: ['expand-everywhere', 'workdir-chain', 'workdir-existing'],
    line: /^\/(dir\/work|rel|mine\/new): directory 755 \d+:\d+ != nothing$/,
    reason: 'buildah makes a WORKDIR only when a later step uses it',
  },
  {
    peer: 'buildah',
    cases: ['from-before', 'expand-everywhere'],
    line: /^\/(data|dir\/data): nothing != directory 755 0:0$/,
    reason: 'buildah makes the folder of a VOLUME',
  },
  {
    peer: 'buildah',
    cases: ['env-forms'],
    line: /^config Env: /,
    reason: 'buildah moves a variable that is set again to the end',
  },
  {
    peer: 'buildah',
    cases: ['expose-forms'],
    line: /^config ExposedPorts: /,
    reason: 'buildah keeps a range of ports as one port',
  },
  {
    peer: 'buildah',
    cases: ['arg-env-precedence'],
    line: /^\/two: /,
    reason: 'buildah lets a later ARG win over an ENV',
  },
  {
    peer: 'buildah',
    cases: ['arg-proxy', 'stages-inherit'],
    line: /^\/(seen|tmp\/seen): (size|sha256) /,
    reason: 'buildah gives proxies under both spellings, and does not hand down the ARGs of a parent stage',
  },
  {
    peer: 'buildah',
    cases: ['copy-user-does-not-matter', 'stages-inherit'],
    line: /^\/(made|work): (uid|gid) /,
    reason: 'BuildKit gives a folder that WORKDIR makes to root or USER; buildah the other way round',
  },
  {
    peer: 'buildah',
    cases: ['copy-context-owner'],
    line: /^\/src\/b: mode 4755 != 0755$/,
    reason: 'buildah drops the set-user-id bit of copied files',
  },
  {
    peer: 'buildah',
    cases: ['copy-over'],
    line: /^\/d\/(keep|link): /,
    reason: 'BuildKit replaces a link at the destination, buildah writes through it',
  },
  {
    peer: 'buildah',
    cases: ['shell-instruction', 'healthcheck', 'healthcheck-exec', 'healthcheck-none'],
    line: /^config (Entrypoint|Cmd|Healthcheck|Shell): /,
    reason: 'buildah ignores SHELL and HEALTHCHECK in part',
  },
];

/** The lines that no known difference explains. */
export function unexplained(peer: PeerName, caseName: string, lines: readonly string[]): string[] {
  const known = KNOWN_DIFFERENCES.filter(
    (item) => item.peer === peer && (item.cases === undefined || item.cases.includes(caseName)),
  );
  return lines.filter((line) => !known.some((item) => item.line.test(line)));
}
