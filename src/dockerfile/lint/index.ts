export { describeWarning } from './errors.ts';
export { checkNode, checkStages } from './instructions.ts';
export { createLinter, type Linter } from './linter.ts';
export { readCheckOptions } from './options.ts';
export { checkBuildArgs } from './rules/build-args.ts';
export { checkCacheFilters } from './rules/cache-filter.ts';
export { checkShellForm, checkUsedOnce, type LastPlaces } from './rules/commands.ts';
export { checkContinuation } from './rules/continuation.ts';
export {
  checkIgnored,
  checkOutside,
  createIgnoreExplainer,
  type IgnoreExplainer,
  type IgnoreFile,
} from './rules/copy.ts';
export { checkPort } from './rules/expose.ts';
export { checkDefaultBase, checkFromArgs } from './rules/from-args.ts';
export { type InstallOrder, isEverything } from './rules/install-order.ts';
export { checkBasePlatform, checkPlatformFlag } from './rules/platform.ts';
export { checkSecretFile, checkSecretsInContext, type FileReader } from './rules/secret-files.ts';
export { checkSecretName } from './rules/secrets.ts';
export { checkSyntax } from './rules/syntax.ts';
export { checkPairFormat, checkUnsetVariable } from './rules/variables.ts';
export { checkFirstWorkdir } from './rules/workdir.ts';
export { RULES } from './rules.ts';
export { checkStageSteps } from './stages.ts';
export type { LintWarning, Rule, WarningSink } from './types.ts';
