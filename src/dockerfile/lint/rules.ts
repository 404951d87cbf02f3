import { AptGetWithoutYes } from './rules/apt-get.ts';
import { UnpinnedBaseImage } from './rules/base-pin.ts';
import { UnusedBuildArg } from './rules/build-args.ts';
import { UnknownCacheFilter } from './rules/cache-filter.ts';
import { ConsistentInstructionCasing, FromAsCasing, StageNameCasing } from './rules/casing.ts';
import { JSONArgsRecommended, MultipleInstructionsDisallowed } from './rules/commands.ts';
import { NoEmptyContinuation } from './rules/continuation.ts';
import { CopyIgnoredFile, CopyOutsideContext } from './rules/copy.ts';
import { InvalidDefinitionDescription } from './rules/description.ts';
import { ExposeInvalidFormat, ExposeProtoCasing } from './rules/expose.ts';
import { InvalidDefaultArgInFrom, UndefinedArgInFrom } from './rules/from-args.ts';
import { CopyBeforeInstall } from './rules/install-order.ts';
import { MaintainerDeprecated } from './rules/maintainer.ts';
import {
  FromPlatformFlagConstDisallowed,
  InvalidBaseImagePlatform,
  RedundantTargetPlatform,
} from './rules/platform.ts';
import { SecretFileCopied } from './rules/secret-files.ts';
import { SecretsUsedInArgOrEnv } from './rules/secrets.ts';
import { DuplicateStageName, ReservedStageName } from './rules/stage-names.ts';
import { ForeignSyntax } from './rules/syntax.ts';
import { LegacyKeyValueFormat, UndefinedVar } from './rules/variables.ts';
import { WorkdirRelativePath } from './rules/workdir.ts';
import type { Rule } from './types.ts';

/** Every rule: BuildKit's, then tsbuild's own. */
export const RULES: readonly Rule[] = [
  StageNameCasing,
  FromAsCasing,
  NoEmptyContinuation,
  ConsistentInstructionCasing,
  DuplicateStageName,
  ReservedStageName,
  JSONArgsRecommended,
  MaintainerDeprecated,
  UndefinedArgInFrom,
  WorkdirRelativePath,
  UndefinedVar,
  MultipleInstructionsDisallowed,
  LegacyKeyValueFormat,
  InvalidBaseImagePlatform,
  RedundantTargetPlatform,
  SecretsUsedInArgOrEnv,
  InvalidDefaultArgInFrom,
  FromPlatformFlagConstDisallowed,
  CopyIgnoredFile,
  InvalidDefinitionDescription,
  ExposeProtoCasing,
  ExposeInvalidFormat,
  AptGetWithoutYes,
  CopyBeforeInstall,
  CopyOutsideContext,
  ForeignSyntax,
  SecretFileCopied,
  UnknownCacheFilter,
  UnpinnedBaseImage,
  UnusedBuildArg,
];
