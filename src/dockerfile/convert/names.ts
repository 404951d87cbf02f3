import { formatPlatform, normalizePlatform, type Platform, parsePlatform } from '../../oci/index.ts';
import { redactUrls } from '../../remote-url/index.ts';
import { type ExpandOptions, expand } from '../shell/index.ts';
import { nameStage } from '../stages/index.ts';
import type { Conversion, StageDraft } from './draft.ts';

/** `[build 2/3] RUN make`: counts the step. Without steps (an image that only `--from` names) there is no prefix. */
export function nameStep(conversion: Conversion, draft: StageDraft, text: string, trigger = false): string {
  const { stage } = draft;
  if (stage.stepCount === 0) return text;
  const number = String(++draft.stepIndex).padStart(String(stage.stepCount).length);
  const parts = [
    ...(conversion.request.multiPlatform ? [formatPlatform(draft.platform) + formatTarget(draft)] : []),
    ...(stage.displayName === '' ? [] : [stage.displayName]),
    `${number}/${stage.stepCount}`,
  ];
  return `[${parts.join(' ')}] ${trigger ? 'ONBUILD ' : ''}${text}`;
}

/** An instruction's line for a vertex name: variables replaced, credentials of URLs left out, the keyword in capitals. */
export function describeLine({ env }: Pick<StageDraft, 'env'>, line: string, options: ExpandOptions): string {
  let text: string;
  try {
    text = expand(line, env, options).result;
  } catch {
    // What cannot be expanded (a shell's own syntax in RUN) is shown as it is.
    text = line;
  }
  text = redactUrls(text);
  const space = text.indexOf(' ');
  return space < 0 ? text.toUpperCase() : text.slice(0, space).toUpperCase() + text.slice(space);
}

/** `->arm64` where the stage runs on one platform and builds for another, as its TARGET variables tell. */
function formatTarget(draft: StageDraft): string {
  const { platform } = draft;
  const target = findTargetPlatform(draft);
  if (target === undefined) return '';
  if (target.os !== platform.os) return `->${formatPlatform(target)}`;
  if (target.architecture === platform.architecture) return '';
  return `->${[target.architecture, target.variant].filter(Boolean).join('/')}`;
}

function findTargetPlatform(draft: StageDraft): Platform | undefined {
  const { env, platform } = draft;
  const whole = env.get('TARGETPLATFORM');
  if (whole !== undefined) {
    try {
      return parsePlatform(whole);
    } catch {
      return undefined;
    }
  }
  const [os, architecture, variant] = ['TARGETOS', 'TARGETARCH', 'TARGETVARIANT'].map((name) => env.get(name));
  if (os === undefined && architecture === undefined && variant === undefined) return undefined;
  return normalizePlatform({
    os: os || platform.os,
    architecture: architecture || platform.architecture,
    ...(variant ? { variant } : {}),
  });
}

/** What messages call the tree of a stage: `stage "build"`, `image "busybox:1"`, `context "docs"`. */
export function nameTree({ stage, localContext }: StageDraft): string {
  if (localContext !== undefined) return `context ${JSON.stringify(localContext)}`;
  return `${stage.index === undefined ? 'image' : 'stage'} ${nameStage(stage)}`;
}
