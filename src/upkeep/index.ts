export { collectAfterBuild } from './auto.ts';
export { compileFilters } from './filters.ts';
export { pruneByRules } from './prune.ts';
export { filterUsage, surveyStore } from './survey.ts';
export { explainKept } from './why-kept.ts';
