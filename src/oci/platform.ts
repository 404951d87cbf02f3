import { arch } from 'node:os';
import { invalidPlatform } from './errors.ts';

/** image-spec image-index.md#platform. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

const NODE_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm64: 'arm64', arm: 'arm' };
const ARCH_ALIAS: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  i386: '386',
  i686: '386',
  aarch64: 'arm64',
  armhf: 'arm/v7',
  armel: 'arm/v6',
};
const KNOWN_ARCH = new Set(
  '386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x wasm'.split(' '),
);

/** The platform of this machine. */
export function hostPlatform(): Platform {
  const node = arch();
  return normalizePlatform({ os: 'linux', architecture: NODE_ARCH[node] ?? node });
}

/** Parses `os/arch[/variant]`, `arch` or `os` as containerd does; throws `PLATFORM_INVALID`. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  if (parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) throw invalidPlatform(text, 'bad characters');
  if (parts.length > 3) throw invalidPlatform(text, 'too many parts');
  const [first = '', second, variant] = parts;
  if (second === undefined) {
    const alias = ARCH_ALIAS[first] ?? first;
    if (KNOWN_ARCH.has(alias.split('/')[0] ?? '')) return normalizePlatform({ os: 'linux', architecture: alias });
    if (first === 'local') return hostPlatform();
    if (['linux', 'windows', 'darwin', 'freebsd'].includes(first)) return { ...hostPlatform(), os: first };
    throw invalidPlatform(text, 'unknown operating system or architecture');
  }
  return normalizePlatform({ os: first, architecture: second, ...(variant ? { variant } : {}) });
}

/** Canonical names: x86_64 is amd64, arm64/v8 is arm64, arm is arm/v7 (containerd platforms/database.go). */
export function normalizePlatform(platform: Platform): Platform {
  const [alias = '', aliasVariant] = (ARCH_ALIAS[platform.architecture] ?? platform.architecture).split('/');
  let variant = platform.variant ?? aliasVariant;
  if (alias === 'arm64' && (variant === 'v8' || variant === '8')) variant = undefined;
  if (alias === 'amd64' && variant === 'v1') variant = undefined;
  if (alias === 'arm') variant = variant === undefined ? 'v7' : /^\d$/.test(variant) ? `v${variant}` : variant;
  const { variant: _, ...rest } = platform;
  return {
    ...rest,
    os: platform.os === 'macos' ? 'darwin' : platform.os,
    architecture: alias,
    ...(variant ? { variant } : {}),
  };
}

/** `os/arch[/variant]`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/** How well `candidate` serves `wanted`: 0 not at all, higher is better. An older arm variant also runs. */
export function matchPlatform(wanted: Platform, candidate: Platform): number {
  const w = normalizePlatform(wanted);
  const c = normalizePlatform(candidate);
  if (w.os !== c.os) return 0;
  if (w.architecture !== c.architecture) {
    // A 64-bit processor runs its family's 32-bit images where nothing better is offered.
    if (w.architecture === 'amd64' && c.architecture === '386') return 1;
    if (w.architecture === 'arm64' && c.architecture === 'arm') return 1;
    return 0;
  }
  if (w.variant === c.variant) return 100;
  const [want, have] = [variantNumber(w), variantNumber(c)];
  return have < want ? 10 + have : 0;
}

function variantNumber(platform: Platform): number {
  const fallback = platform.architecture === 'arm64' ? 8 : 1;
  return platform.variant === undefined ? fallback : Number(platform.variant.replace(/^v/, '')) || fallback;
}
